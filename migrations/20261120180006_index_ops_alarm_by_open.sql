-- Open alarms are listed, of one region or of all.
create index ops_alarm_by_open on ops_alarm (resolved_ms, region, raised_ms);
