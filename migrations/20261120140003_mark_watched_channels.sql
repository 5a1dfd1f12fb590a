-- Whether somebody with a push address is part of the channel; read with the head anyway, so that other channels pay nothing.
alter table channel_head add column watched boolean not null default false;
