-- Nodes ask for what changed since they asked last.
create index device_seat_by_time on device_seat (changed_at_ms);
