-- Due timers are looked up several times a second.
create index timer_by_due on timer (due_ms);
