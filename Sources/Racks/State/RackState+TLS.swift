import Diagnostics
import Host
package import Provisioning
package import Recipes
import SystemPackage

/// The certificates of a rack, in `.piflash/tls` (mode 0700, files 0600): `ca.pem` and `ca-key.pem`, `client/` for the
/// people who use the nodes, and `nodes/NAME/` for each node. Issued certificates are kept, so that configuring a card
/// again changes nothing.
extension RackState {
    /// The certificate of a node with `docker.remote: tls`. Makes the rack's authority when it is first needed.
    package func certificate(for node: Node, now: Int64) throws -> NodeCertificate {
        let name = node.hostname.value
        return try issued(to: name, for: Self.purpose(of: node), in: ["nodes", name], now: now)
    }

    /// The certificate that the docker command needs to reach the nodes of the rack.
    func clientCertificate(now: Int64) throws -> NodeCertificate {
        try issued(to: "piflash client", for: .client, in: ["client"], now: now)
    }

    /// The certificate that was issued to `node`, if it is still good; issues none.
    func knownCertificate(for node: Node, now: Int64) throws(Failure) -> NodeCertificate? {
        let name = node.hostname.value
        guard let tls = try opened()?.directory("tls"),
            let known = try Self.stored("ca.pem", "ca-key.pem", in: tls),
            let authority = try? CertificateAuthority(known),
            let place = try tls.directory("nodes")?.directory(name),
            let issued = try Self.stored("cert.pem", "key.pem", in: place),
            authority.covers(issued, name: name, for: Self.purpose(of: node), now: now)
        else { return nil }
        return NodeCertificate(authority: known.certificate, certificate: issued.certificate, key: issued.key)
    }

    /// The node's hostname, its name for multicast DNS, and its address if that is fixed. Not localhost: with that any node's
    /// key could answer in place of every engine that is reached through a tunnel. On the node itself there is the socket.
    private static func purpose(of node: Node) -> CertificateAuthority.Purpose {
        let name = node.hostname.value
        return .server(
            names: [name, "\(name).local"], addresses: node.addresses.map(\.value.address))
    }

    private func authority(in tls: PrivateDirectory, now: Int64) throws -> CertificateAuthority {
        if let known = try Self.stored("ca.pem", "ca-key.pem", in: tls) {
            guard let authority = try? CertificateAuthority(known), authority.isWhole else {
                throw Failure(
                    .system,
                    "\(tls.path.appending("ca.pem")) and ca-key.pem beside it are damaged, or do not belong together",
                    hint: "restore them, or delete both: then configure every node with docker.remote: tls again")
            }
            return authority
        }
        // If one of the two is missing, a new authority would hide the loss: no node could be reached any more.
        for name in ["ca.pem", "ca-key.pem"] where tls.status(of: name) != nil {
            throw Failure(
                .system, "\(tls.path) has only \(name) of the two files of its authority",
                hint:
                    "restore the other file, or delete this one: then configure every node with docker.remote: tls again"
            )
        }
        let rack = directory.removingLastComponent().lastComponent?.string ?? "rack"
        let made = try CertificateAuthority(rack: rack, now: now)
        try tls.replace("ca-key.pem", with: Array(made.pem.key.utf8))
        try tls.replace("ca.pem", with: Array(made.pem.certificate.utf8))
        return made
    }

    /// The certificate of `name` in the directory `place` below `tls`, by the rack's authority. Of two runs at once, one
    /// makes what is missing: the other waits for the lock.
    private func issued(
        to name: String, for purpose: CertificateAuthority.Purpose, in place: [String], now: Int64
    ) throws -> NodeCertificate {
        let directory = try made()
        let (tls, lock) = try writing { () throws(Failure) in
            let tls = try directory.makeDirectory("tls")
            return (tls, try FileLock.wait(for: "lock", in: tls, .exclusive))
        }
        defer { withExtendedLifetime(lock) {} }
        let authority = try authority(in: tls, now: now)
        var known = try tls.directory(place[0])
        for part in place.dropFirst() { known = try known?.directory(part) }
        if let known = try known.flatMap({ try Self.stored("cert.pem", "key.pem", in: $0) }),
            authority.covers(known, name: name, for: purpose, now: now)
        {
            return NodeCertificate(
                authority: authority.pem.certificate, certificate: known.certificate, key: known.key)
        }
        let made = try authority.issue(to: name, for: purpose, now: now)
        let kept = try place.reduce(tls) { try $0.makeDirectory($1) }
        try kept.replace("key.pem", with: Array(made.key.utf8))
        try kept.replace("cert.pem", with: Array(made.certificate.utf8))
        return NodeCertificate(authority: authority.pem.certificate, certificate: made.certificate, key: made.key)
    }

    private static func stored(
        _ certificate: String, _ key: String, in directory: PrivateDirectory
    ) throws(Failure) -> IssuedCertificate? {
        guard let certificate = try directory.read(certificate), let key = try directory.read(key, isKey: true) else {
            return nil
        }
        return IssuedCertificate(
            certificate: String(decoding: certificate, as: UTF8.self), key: String(decoding: key, as: UTF8.self))
    }
}
