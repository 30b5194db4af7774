import Diagnostics
import Host
package import Provisioning
package import Recipes
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// The rack's certificates, in `.piflash/tls` (0700, files 0600): `ca.pem` and `ca-key.pem`, `client/` for who works on
/// the nodes, and `nodes/NAME/` for each node. What was issued is kept, so that configuring a card again changes nothing.
extension RackState {
    /// What a node with `docker.remote: tls` gets. Makes the rack's authority at the first need.
    package func certificate(for node: Node, now: Int64) throws -> NodeCertificate {
        let authority = try authority(now: now)
        let issued = try issued(
            to: node.hostname.value, for: Self.purpose(of: node), in: place(of: node), by: authority, now: now)
        return NodeCertificate(
            authority: authority.pem.certificate, certificate: issued.certificate, key: issued.key)
    }

    /// The certificate that `node` has been given, as long as it does; nothing is made.
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

    /// The node's own name for itself, the one by which multicast DNS finds it, and its address when that is fixed.
    private static func purpose(of node: Node) -> CertificateAuthority.Purpose {
        let name = node.hostname.value
        return .server(
            names: [name, "\(name).local", "localhost"],
            addresses: [node.address?.value.address, "127.0.0.1"].compactMap { $0 })
    }

    private func place(of node: Node) -> FilePath { tls.appending("nodes").appending(node.hostname.value) }

    /// What the docker command needs to reach the rack's nodes.
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
        defer { try? lock.close() }
        if let known = try stored(certificate: certificate, key: key) {
            guard let authority = try? CertificateAuthority(known), authority.isWhole else {
                throw Failure(
                    .system, "\(certificate) and ca-key.pem beside it are damaged, or not of a pair",
                    hint: "restore them, or delete both: then every node with docker.remote: tls is configured anew")
            }
            return authority
        }
        // One without the other is a loss that a new authority would hide: no node would be reached any more.
        for path in [certificate, key] where try text(path) != nil {
            throw Failure(
                .system, "\(tls) has only \(path.lastComponent?.string ?? "") of the two files of its authority",
                hint: "restore the other, or delete it: then every node with docker.remote: tls is configured anew")
        }
        let rack = directory.removingLastComponent().lastComponent?.string ?? "rack"
        let made = try CertificateAuthority(rack: rack, now: now)
        try user.replaceFile(key, with: Array(made.pem.key.utf8), mode: 0o600)
        try user.replaceFile(certificate, with: Array(made.pem.certificate.utf8), mode: 0o600)
        return made
    }

    private func issued(
        to name: String, for purpose: CertificateAuthority.Purpose, in place: FilePath,
        by authority: CertificateAuthority,
        now: Int64
    ) throws -> IssuedCertificate {
        let lock = try lockTLS()
        defer { try? lock.close() }
        let certificate = place.appending("cert.pem")
        let key = place.appending("key.pem")
        if let known = try stored(certificate: certificate, key: key),
            authority.covers(known, name: name, for: purpose, now: now)
        {
            return known
        }
        let made = try authority.issue(to: name, for: purpose, now: now)
        try user.makeDirectories(place, mode: 0o700)
        try user.replaceFile(key, with: Array(made.key.utf8), mode: 0o600)
        try user.replaceFile(certificate, with: Array(made.certificate.utf8), mode: 0o600)
        return made
    }

    /// Two runs at once make one authority.
    private func lockTLS() throws(Failure) -> FileDescriptor {
        try user.makeDirectories(tls, mode: 0o700)
        let path = tls.appending("lock")
        do {
            let file = try FileDescriptor.open(
                path, .readWrite, options: [.create, .closeOnExec], permissions: [.ownerReadWrite])
            try user.own(path)
            // Held until the descriptor is closed.
            while flock(file.rawValue, LOCK_EX) != 0 {
                guard errno == EINTR else { throw Errno(rawValue: errno) }
            }
            return file
        } catch {
            throw Failure(
                .system, "locking \(path): \((error as? Errno)?.description.lowercased() ?? "\(error)")",
                hint: "the rack's directory must be writable: its state is kept there")
        }
    }

    private func stored(certificate: FilePath, key: FilePath) throws(Failure) -> IssuedCertificate? {
        guard let certificate = try text(certificate), let key = try text(key) else { return nil }
        return IssuedCertificate(certificate: certificate, key: key)
    }

    private func text(_ path: FilePath) throws(Failure) -> String? {
        try FileContents.read(path).map { String(decoding: $0, as: UTF8.self) }
    }
}
