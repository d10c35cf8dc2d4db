"""Makes a certificate authority and a certificate for the hosts of AWS: certificates.py FOLDER"""
import datetime, pathlib, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOSTS = [
    "*.amazonaws.com",
    "*.us-east-1.amazonaws.com",
    "*.ap-southeast-3.amazonaws.com",
    "*.execute-api.us-east-1.amazonaws.com",
]
folder = pathlib.Path(sys.argv[1])
now = datetime.datetime.now(datetime.timezone.utc)


def certificate(name, key, issuer=None):
    names = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(names)
        .issuer_name(issuer or names)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=2))
    )


authority_key = ec.generate_private_key(ec.SECP256R1())
constraints = x509.BasicConstraints(ca=True, path_length=0)
authority = (
    certificate("stackwright test authority", authority_key)
    .add_extension(constraints, critical=True)
    .sign(authority_key, hashes.SHA256())
)

server_key = ec.generate_private_key(ec.SECP256R1())
hosts = x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS])
server = (
    certificate("AWS in a test", server_key, authority.subject)
    .add_extension(hosts, critical=False)
    .sign(authority_key, hashes.SHA256())
)

PEM = serialization.Encoding.PEM
(folder / "authority.pem").write_bytes(authority.public_bytes(PEM))
(folder / "server.pem").write_bytes(server.public_bytes(PEM))
(folder / "server.key").write_bytes(
    server_key.private_bytes(
        PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
)
