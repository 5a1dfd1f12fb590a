-- Old results are removed in the order of their age.
create index command_result_by_age on command_result (at_ms);
