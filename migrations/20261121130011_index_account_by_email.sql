-- An address belongs to one account: a new password is sent for by it.
create unique index account_by_email on account (email);
