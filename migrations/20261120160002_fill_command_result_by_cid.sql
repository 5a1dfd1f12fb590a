-- Commands that were carried out before stay known.
insert into command_result_by_cid (sender, cid, body_hash, result, at_ms)
select sender, cid, body_hash, result, at_ms from command_result;
