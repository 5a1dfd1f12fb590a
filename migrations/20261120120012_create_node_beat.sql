-- Nodes that hold presence. A counter that stands still for long is a node that died.
create table node_beat (
    node_id varchar(64) not null primary key,
    n_beats bigint not null,
    is_dead integer not null check (is_dead in (0, 1))
);
