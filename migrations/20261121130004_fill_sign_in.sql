-- Whoever is signed in stays signed in: each family of tokens that is still good becomes a sign-in.
insert into sign_in (session_id, account_id, profile_id, device, stays, created_at_ms, used_at_ms, expires_at_ms)
select t.family_id, max(p.account_id), max(t.profile_id), max(t.device), true, min(t.created_at_ms),
       max(t.created_at_ms), max(t.expires_at_ms)
  from refresh_token t join profile p on p.profile_id = t.profile_id
 group by t.family_id
having max(case when t.used_at_ms is null then 1 else 0 end) = 1;
