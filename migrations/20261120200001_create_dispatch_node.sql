-- Nodes that plan. A counter that stands still for some seconds is a node that does not plan any more.
create table dispatch_node (
    node_id varchar(64) not null primary key,
    n_beats bigint not null
);
