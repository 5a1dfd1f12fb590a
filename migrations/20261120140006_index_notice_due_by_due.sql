-- What is due is looked up twice a second.
create index notice_due_by_due on notice_due (due_ms);
