-- Old explanations are removed by age.
create index offer_why_by_time on offer_why (at_ms);
