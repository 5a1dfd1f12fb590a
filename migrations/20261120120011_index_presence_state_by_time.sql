-- Nodes ask for what changed since they asked last, when the bus does not tell them.
create index presence_state_by_time on presence_state (changed_at_ms);
