-- Whoever finds a dead node looks for those who were there.
create index presence_by_node on presence (node_id);
