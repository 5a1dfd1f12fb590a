-- Nodes ask for what changed since they asked last.
create index position_publisher_by_time on position_publisher (changed_at_ms);
