use rustls::CertificateError;

use super::*;

fn wrapped(error: rustls::Error) -> ConnectorError {
    ConnectorError::io(Box::new(io::Error::other(error)))
}

#[test]
fn the_causes_decide() {
    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    let unreachable = io::Error::from(io::ErrorKind::NetworkUnreachable);
    for (error, why) in [
        (ConnectorError::io(Box::new(refused)), Why::Refused),
        (ConnectorError::timeout(Box::new(TimedOutError)), Why::TimedOut),
        (ConnectorError::io("dns error".into()), Why::NoAddress),
        (wrapped(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)), Why::NoTls),
        (ConnectorError::io(Box::new(unreachable)), Why::Other("network unreachable".to_owned())),
        (wrapped(rustls::Error::HandshakeNotComplete), Why::Other("handshake not complete".into())),
    ] {
        assert_eq!(Why::of(&error), why, "{error:?}");
    }
    let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
    assert!(matches!(Why::of(&wrapped(unknown)), Why::Untrusted(_)));
}

fn unreached(host: &str, proxy: Option<&str>, why: Why) -> Unreached {
    let way = Way { host: host.to_owned(), proxy: proxy.map(str::to_owned) };
    Unreached { way, why, source: ConnectorError::io("why".into()) }
}

#[test]
fn each_failure_has_its_sentence() {
    const AWS: &str = "sts.eu-west-1.amazonaws.com";
    const LOCAL: &str = "127.0.0.1:4566";
    let proxy = Some("10.0.0.1:3128");
    for (host, proxy, why, said, hint) in [
        (LOCAL, None, Why::Refused, "127.0.0.1:4566 refuses connections", "is it running"),
        (LOCAL, None, Why::NoTls, "127.0.0.1:4566 answers without TLS", "without the s"),
        (AWS, None, Why::NoAddress, "no address is known for sts.eu-west-1", "check the network"),
        (AWS, None, Why::TimedOut, "sts.eu-west-1.amazonaws.com does not accept", "the region"),
        (AWS, proxy, Why::Refused, "the proxy 10.0.0.1:3128 refuses connections", "HTTPS_PROXY"),
        (AWS, proxy, Why::NoTls, "the proxy 10.0.0.1:3128 answers without TLS", "HTTPS_PROXY"),
        (AWS, proxy, Why::Untrusted("x".into()), "certificate of sts.eu-west-1", "AWS_CA_BUNDLE"),
        (
            AWS,
            proxy,
            Why::Other("407".into()),
            "no connection to sts.eu-west-1.amazonaws.com through the proxy 10.0.0.1:3128 (407)",
            "HTTPS_PROXY",
        ),
    ] {
        let unreached = unreached(host, proxy, why);
        assert!(unreached.to_string().contains(said), "{unreached}");
        assert!(unreached.hint().contains(hint), "{unreached}: {}", unreached.hint());
        let is_aws = host == AWS;
        assert!(!(is_aws && unreached.hint().contains("running")), "AWS is always running");
    }
}

#[test]
fn nothing_secret_of_a_proxy_is_shown() {
    let matcher = Matcher::builder().all("http://me:secret@proxy:3128").no("127.0.0.1").build();
    let proxies = Proxies(Some(Arc::new(matcher)));
    let way = proxies.way("https://user:secret@sts.amazonaws.com/path?query");
    let expected = Way { host: "sts.amazonaws.com".into(), proxy: Some("proxy:3128".into()) };
    assert_eq!(way, expected);
    assert_eq!(proxies.way("http://127.0.0.1:4566/").proxy, None);
}
