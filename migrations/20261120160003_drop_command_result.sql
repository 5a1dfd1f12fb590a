-- Its rows are in command_result_by_cid.
drop table command_result;
