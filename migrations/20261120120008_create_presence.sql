-- Who has a device on which node. Rows of a node that died are removed by the others.
create table presence (
    profile_id varchar(64) not null,
    node_id varchar(64) not null,
    primary key (profile_id, node_id)
);
