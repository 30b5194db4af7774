import Text
import Crypto
import Diagnostics
import FoundationEssentials
import SwiftASN1
import X509

/// A certificate with its key, in PEM.
struct IssuedCertificate: Hashable, Sendable {
    var certificate: String
    var key: String
}

/// The certificate authority of a rack, for Docker's port 2376 (docs.docker.com, "Protect the Docker daemon socket").
///
/// All keys are P-256. Certificates are valid from 1970 on: a Pi has no battery-backed clock, and before it has asked a time
/// server, it would reject a client certificate that is not valid yet.
struct CertificateAuthority: Sendable {
    enum Purpose: Sendable {
        /// A node, with the names and IPv4 addresses that clients use for it.
        case server(names: [String], addresses: [String])
        case client
    }

    private static let start = Date(timeIntervalSince1970: 0)
    private static let day: Int64 = 86_400
    /// In days. No certificate is valid longer than the authority.
    private static let authorityLife: Int64 = 7300
    private static let life: Int64 = 1825
    /// In days. A certificate that is valid for less than this is issued again.
    private static let margin: Int64 = 180

    private let certificate: Certificate
    private let key: P256.Signing.PrivateKey
    let pem: IssuedCertificate

    /// Makes a new authority.
    init(rack: String, now: Int64) throws {
        let key = P256.Signing.PrivateKey()
        // With a random part: two authorities of racks with the same name must not look the same to a client.
        let suffix = SHA256.hash(data: key.publicKey.rawRepresentation).prefix(4).hex
        let name = try DistinguishedName { CommonName("piflash \(rack) \(suffix)") }
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: Self.start,
            notValidAfter: Self.end(after: Self.authorityLife, now: now), issuer: name, subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: .init(key.publicKey))
            },
            issuerPrivateKey: .init(key))
        try self.init(
            IssuedCertificate(
                certificate: certificate.serializeAsPEM().pemString + "\n", key: key.pemRepresentation + "\n"))
    }

    /// An authority that was made before.
    init(_ pem: IssuedCertificate) throws {
        certificate = try Certificate(pemEncoded: pem.certificate)
        key = try P256.Signing.PrivateKey(pemRepresentation: pem.key)
        self.pem = pem
    }

    /// Whether the certificate and the key belong together.
    var isWhole: Bool { certificate.publicKey == Certificate.PublicKey(key.publicKey) }

    func issue(to name: String, for purpose: Purpose, now: Int64) throws -> IssuedCertificate {
        let key = P256.Signing.PrivateKey()
        let issued = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: Self.start,
            notValidAfter: min(Self.end(after: Self.life, now: now), certificate.notValidAfter),
            issuer: certificate.subject, subject: try DistinguishedName { CommonName(name) },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage(purpose.usages)
                if let names = purpose.alternativeNames { names }
                AuthorityKeyIdentifier(
                    keyIdentifier: SubjectKeyIdentifier(hash: certificate.publicKey).keyIdentifier)
            },
            issuerPrivateKey: .init(self.key))
        return IssuedCertificate(
            certificate: try issued.serializeAsPEM().pemString + "\n", key: key.pemRepresentation + "\n")
    }

    /// Whether an issued certificate is of this authority, is for `name` and `purpose`, and is valid long enough.
    func covers(_ issued: IssuedCertificate, name: String, for purpose: Purpose, now: Int64) -> Bool {
        guard let old = try? Certificate(pemEncoded: issued.certificate),
            let key = try? P256.Signing.PrivateKey(pemRepresentation: issued.key),
            old.publicKey == Certificate.PublicKey(key.publicKey),
            certificate.publicKey.isValidSignature(old.signature, for: old),
            let subject = try? DistinguishedName(builder: { CommonName(name) }), old.subject == subject,
            old.notValidAfter > Self.end(after: Self.margin, now: now)
        else { return false }
        return (try? old.extensions.subjectAlternativeNames) == purpose.alternativeNames
    }

    private static func end(after days: Int64, now: Int64) -> Date {
        Date(timeIntervalSince1970: TimeInterval(now + days * day))
    }
}

extension CertificateAuthority.Purpose {
    /// Both sides refuse a certificate that has only the other usage ("incompatible key usage").
    fileprivate var usages: [ExtendedKeyUsage.Usage] {
        switch self {
        case .server: [.serverAuth]
        case .client: [.clientAuth]
        }
    }

    /// Go's clients check nothing else: not the common name, and not an address that is written as a name.
    fileprivate var alternativeNames: SubjectAlternativeNames? {
        guard case .server(let names, let addresses) = self else { return nil }
        let bytes = addresses.compactMap { IPAddress($0)?.bytes }
        return SubjectAlternativeNames(
            names.map { .dnsName($0) } + bytes.map { .ipAddress(ASN1OctetString(contentBytes: $0[...])) })
    }
}
