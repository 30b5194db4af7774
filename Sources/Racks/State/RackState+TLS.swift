import Diagnostics
import Host
package import Provisioning
package import Recipes
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// The certificates of a rack, in `.piflash/tls` (mode 0700, files 0600): `ca.pem` and `ca-key.pem`, `client/` for the
/// people who use the nodes, and `nodes/NAME/` for each node. Issued certificates are kept, so that configuring a card
/// again changes nothing.
extension RackState {
    /// The certificate of a node with `docker.remote: tls`. Makes the rack's authority when it is first needed.
    package func certificate(for node: Node, now: Int64) throws -> NodeCertificate {
        let authority = try authority(now: now)
        let issued = try issued(
            to: node.hostname.value, for: Self.purpose(of: node), in: place(of: node), by: authority, now: now)
        return NodeCertificate(
            authority: authority.pem.certificate, certificate: issued.certificate, key: issued.key)
    }

    /// The certificate that was issued to `node`, if it is still good; issues none.
    func knownCertificate(for node: Node, now: Int64) throws(Failure) -> NodeCertificate? {
        let place = place(of: node)
        guard
            let known = try stored(certificate: tls.appending("ca.pem"), key: tls.appending("ca-key.pem")),
            let authority = try? CertificateAuthority(known),
            let issued = try stored(certificate: place.appending("cert.pem"), key: place.appending("key.pem")),
            authority.covers(issued, name: node.hostname.value, for: Self.purpose(of: node), now: now)
        else { return nil }
        return NodeCertificate(authority: known.certificate, certificate: issued.certificate, key: issued.key)
    }

    /// The node's hostname, its name for multicast DNS, and its address if that is fixed.
    private static func purpose(of node: Node) -> CertificateAuthority.Purpose {
        let name = node.hostname.value
        return .server(
            names: [name, "\(name).local", "localhost"],
            addresses: node.addresses.map(\.value.address) + ["127.0.0.1"])
    }

    private func place(of node: Node) -> FilePath { tls.appending("nodes").appending(node.hostname.value) }

    /// The certificate that the docker command needs to reach the nodes of the rack.
    func clientCertificate(now: Int64) throws -> NodeCertificate {
        let authority = try authority(now: now)
        let issued = try issued(
            to: "piflash client", for: .client, in: tls.appending("client"), by: authority, now: now)
        return NodeCertificate(
            authority: authority.pem.certificate, certificate: issued.certificate, key: issued.key)
    }

    private var tls: FilePath { directory.appending("tls") }

    private func authority(now: Int64) throws -> CertificateAuthority {
        let certificate = tls.appending("ca.pem")
        let key = tls.appending("ca-key.pem")
        let lock = try lockTLS()
        defer { withExtendedLifetime(lock) {} }
        if let known = try stored(certificate: certificate, key: key) {
            guard let authority = try? CertificateAuthority(known), authority.isWhole else {
                throw Failure(
                    .system, "\(certificate) and ca-key.pem beside it are damaged, or do not belong together",
                    hint: "restore them, or delete both: then configure every node with docker.remote: tls again")
            }
            return authority
        }
        // If one of the two is missing, a new authority would hide the loss: no node could be reached any more.
        for path in [certificate, key] where try text(path) != nil {
            throw Failure(
                .system, "\(tls) has only \(path.lastComponent?.string ?? "") of the two files of its authority",
                hint:
                    "restore the other file, or delete this one: then configure every node with docker.remote: tls again"
            )
        }
        let rack = directory.removingLastComponent().lastComponent?.string ?? "rack"
        let made = try CertificateAuthority(rack: rack, now: now)
        try DurableFile.replace(key, with: Array(made.pem.key.utf8), mode: 0o600)
        try DurableFile.replace(certificate, with: Array(made.pem.certificate.utf8), mode: 0o600)
        return made
    }

    private func issued(
        to name: String, for purpose: CertificateAuthority.Purpose, in place: FilePath,
        by authority: CertificateAuthority,
        now: Int64
    ) throws -> IssuedCertificate {
        let lock = try lockTLS()
        defer { withExtendedLifetime(lock) {} }
        let certificate = place.appending("cert.pem")
        let key = place.appending("key.pem")
        if let known = try stored(certificate: certificate, key: key),
            authority.covers(known, name: name, for: purpose, now: now)
        {
            return known
        }
        let made = try authority.issue(to: name, for: purpose, now: now)
        try DurableFile.makeDirectories(place, mode: 0o700)
        try DurableFile.replace(key, with: Array(made.key.utf8), mode: 0o600)
        try DurableFile.replace(certificate, with: Array(made.certificate.utf8), mode: 0o600)
        return made
    }

    /// Two runs at once make one authority. Held until the lock's owner lets go of it.
    private func lockTLS() throws(Failure) -> FileLock {
        try DurableFile.makeDirectories(tls, mode: 0o700)
        do { return try FileLock.wait(for: tls.appending("lock"), .exclusive) } catch {
            throw Failure(
                .system, error.message, hint: "the rack's directory must be writable: its state is kept there",
                cause: error.cause)
        }
    }

    private func stored(certificate: FilePath, key: FilePath) throws(Failure) -> IssuedCertificate? {
        guard let certificate = try text(certificate), let key = try text(key) else { return nil }
        return IssuedCertificate(certificate: certificate, key: key)
    }

    private func text(_ path: FilePath) throws(Failure) -> String? {
        try DurableFile.read(path, limit: 1 << 20, kind: .regular).map { String(decoding: $0, as: UTF8.self) }
    }
}
