-- A customer lists the own ones.
create index address_entry_by_customer on address_entry (customer_id, created_at_ms);
