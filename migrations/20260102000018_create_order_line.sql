-- What was ordered, at the name and price of that moment.
create table order_line (
    order_id varchar(64) not null,
    line_no integer not null,
    product_id varchar(64) not null,
    name varchar(120) not null,
    unit_minor bigint not null check (unit_minor >= 0),
    quantity integer not null check (quantity between 1 and 99),
    total_minor bigint not null,
    currency char(3) not null,
    primary key (order_id, line_no),
    check (total_minor = unit_minor * quantity)
);
