//! Runs the promises of a contract on every implementation: in the process, and on each kind of Redis.

/// A contract gives `within_process()` and `over_redis(url, prefix)`; what they return goes to each
/// promise.
macro_rules! on_all {
    (@ $name:ident, $servers:ident, $($promise:ident),+) => {
        mod $name {
            $(#[tokio::test]
            async fn $promise() {
                let url = crate::testing::servers::$servers::shared().url();
                super::$promise(super::over_redis(&url, stringify!($promise))).await;
            })+
        }
    };
    ($($promise:ident),+ $(,)?) => {
        mod in_process {
            $(#[tokio::test]
            async fn $promise() {
                super::$promise(super::within_process()).await;
            })+
        }
        on_all!(@ redis, RedisServer, $($promise),+);
        on_all!(@ redis_sentinel, RedisSentinels, $($promise),+);
        on_all!(@ redis_cluster, RedisCluster, $($promise),+);
    };
}
