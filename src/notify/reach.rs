//! Where notices may go: a client chooses its push address, so it must not choose one of our own
//! machines.
//!
//! The form is checked when an address is given and before each use; what a name means is checked
//! when the connection is made, so a name that changes its meaning in between wins nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use usecases::notices::NoticeSettings;

/// Bytes of a push address at most.
pub const ENDPOINT_BYTES_MAX: usize = 1_024;

/// Where notices may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To public addresses by https.
    Public,
    /// Anywhere by https, and to this machine by http: for development.
    Anywhere,
}

impl Reach {
    /// What the settings allow.
    pub const fn of(settings: &NoticeSettings) -> Self {
        if settings.public_only { Self::Public } else { Self::Anywhere }
    }

    /// Reads a push address.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as the end of a sentence.
    pub fn check(self, endpoint: &str) -> Result<Url, &'static str> {
        if endpoint.len() > ENDPOINT_BYTES_MAX {
            return Err("is too long");
        }
        let url = Url::parse(endpoint).map_err(|_| "is not a URL")?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("holds a password");
        }
        let host = url.host_str().ok_or("has no host")?;
        let literal = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        // Where clouds tell secrets to their machines; no push service is there, anywhere.
        if literal.is_some_and(is_link_local) {
            return Err("is a link-local address");
        }
        let is_here = host == "localhost" || literal.is_some_and(|it| it.is_loopback());
        match (self, url.scheme()) {
            (Self::Anywhere, "https") => Ok(url),
            (Self::Anywhere, "http") if is_here => Ok(url),
            (Self::Public, "https") => match literal {
                Some(ip) if !is_public(ip) => Err("is not a public address"),
                None if is_here || !host.contains('.') => Err("is not a public address"),
                _ => Ok(url),
            },
            _ => Err("must begin with https://"),
        }
    }
}

/// Resolves names to public addresses only.
#[derive(Debug, Clone, Copy)]
pub struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|it| is_public(it.ip())).collect();
            if public.is_empty() {
                return Err(format!("{} has no public address", name.as_str()).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => {
            ip.is_unicast_link_local() || ip.to_ipv4_mapped().is_some_and(|it| it.is_link_local())
        }
    }
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (18..20).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99);
    !is_special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let inner = |high: u16, low: u16| {
        let ([one, two], [three, four]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(one, two, three, four))
    };
    match [a, b, c, d, e, f] {
        // An IPv4 address in other clothes.
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => inner(g, h),
        [0x2002, ..] => inner(b, c),
        [0x2001, 0x0db8, ..] | [0x2001, 0..0x200, ..] => false,
        // Global unicast; the rest is local, reserved or for groups.
        _ => (0x2000..0x4000).contains(&a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_production_only_public_addresses_are_reached() {
        for good in [
            "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
            "https://fcm.googleapis.com/fcm/send/x:y",
            "https://8.8.8.8/x",
            "https://[2606:4700::1111]/x",
        ] {
            assert!(Reach::Public.check(good).is_ok(), "{good}");
        }
        for bad in [
            "http://push.example.com/x",
            "https://localhost/x",
            "https://redis/x",
            "https://127.0.0.1/x",
            "https://127.1/x",
            "https://2130706433/x",
            "https://0x7f.0.0.1/x",
            "https://10.1.2.3/x",
            "https://172.16.0.1/x",
            "https://192.168.1.1:8443/x",
            "https://169.254.169.254/latest",
            "https://100.64.0.1/x",
            "https://0.0.0.0/x",
            "https://[::1]/x",
            "https://[::]/x",
            "https://[fe80::1]/x",
            "https://[fd00::1]/x",
            "https://[::ffff:10.0.0.1]/x",
            "https://[64:ff9b::a00:1]/x",
            "https://[2002:a00:1::]/x",
            "https://user:pass@push.example.com/x",
            "ftp://push.example.com/x",
            "file:///etc/passwd",
            "nonsense",
        ] {
            assert!(Reach::Public.check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn at_a_desk_http_reaches_this_machine_only() {
        for good in ["http://127.0.0.1:9/x", "http://localhost:9/x", "https://10.0.0.1/x"] {
            assert!(Reach::Anywhere.check(good).is_ok(), "{good}");
        }
        for bad in [
            "http://10.0.0.1/x",
            "http://push.example.com/x",
            "https://169.254.169.254/x",
            "https://[fe80::1]/x",
            "https://[::ffff:169.254.169.254]/x",
        ] {
            assert!(Reach::Anywhere.check(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_name_of_this_machine_resolves_to_nothing() {
        let name = "localhost".parse().expect("a name");
        assert!(PublicOnly.resolve(name).await.is_err());
    }
}
