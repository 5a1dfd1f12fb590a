-- Nobody else need know that the key has turned round.
alter table command_result_by_cid rename to command_result;
