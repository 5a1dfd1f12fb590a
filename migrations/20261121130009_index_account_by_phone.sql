-- A number belongs to one account: people sign in with it.
create unique index account_by_phone on account (phone);
