import Diagnostics
import Racks
import Foundation
import Host
import Provisioning
import Recipes
import SystemPackage
import TestSupport
import Testing

/// The rack's certificates, with openssl as the oracle.
@Suite struct CertificateTests {
    let scratch = ScratchDirectory()
    static let now: Int64 = 1_786_961_700
    var state: RackState { RackState(besideRecipe: scratch["rack/red01.yaml"]) }

    private func node(_ name: String = "red01", address: String? = "192.168.50.11", remote: Node.Docker.Remote = .tls)
        -> Node
    {
        let here = Location(file: "red01.yaml", line: 1, column: 1)
        return Node(
            hostname: Located(name, at: here),
            user: .init(name: Located("pirate", at: here)),
            address: address.map { Located(Node.StaticAddress(address: $0, prefixLength: 24), at: here) },
            docker: .init(remote: Located(remote, at: here), location: here), recipeDigest: "",
            recipePath: scratch["rack/\(name).yaml"].string)
    }

    private func openssl(_ line: String) throws -> OutsideTool.Result {
        try OutsideTool("sh").run(["-c", "cd \"$0\" && openssl \(line)", scratch.path.string])
    }

    private func write(_ certificate: NodeCertificate) {
        scratch.write(certificate.authority, to: "ca.pem")
        scratch.write(certificate.certificate, to: "cert.pem")
        scratch.write(certificate.key, to: "key.pem")
    }

    @Test func `a node's certificate is issued by its rack, for all its names and nothing else`() throws {
        write(try state.certificate(for: node(), now: Self.now))
        #expect(try openssl("verify -x509_strict -purpose sslserver -CAfile ca.pem cert.pem").succeeded)
        #expect(try !openssl("verify -purpose sslclient -CAfile ca.pem cert.pem").succeeded)
        for name in ["red01", "red01.local"] {
            #expect(try openssl("verify -verify_hostname \(name) -CAfile ca.pem cert.pem").succeeded)
        }
        #expect(try openssl("verify -verify_ip 192.168.50.11 -CAfile ca.pem cert.pem").succeeded)
        // Nor for a tunnel's end.
        for name in ["red02", "localhost"] {
            #expect(try !openssl("verify -verify_hostname \(name) -CAfile ca.pem cert.pem").succeeded)
        }
        for address in ["192.168.50.12", "127.0.0.1", "::1"] {
            #expect(try !openssl("verify -verify_ip \(address) -CAfile ca.pem cert.pem").succeeded)
        }
        let text = try openssl("x509 -in cert.pem -noout -ext subjectAltName,extendedKeyUsage,basicConstraints").text
        #expect(
            text.contains(
                "DNS:red01, DNS:red01.local, IP Address:192.168.50.11\n"))
        #expect(text.contains("TLS Web Server Authentication\n") && !text.contains("Client"))
        #expect(text.contains("CA:FALSE"))
        let keys = try ["x509 -in cert.pem -noout -pubkey", "pkey -in key.pem -pubout"].map { try openssl($0).text }
        #expect(keys[0] == keys[1] && keys[0].contains("PUBLIC KEY"))
    }

    @Test func `a Pi without a clock accepts them from 1970 on, for years`() throws {
        write(try state.certificate(for: node(), now: Self.now))
        for time in [1, Self.now, Self.now + 4 * 365 * 86_400] {
            #expect(try openssl("verify -attime \(time) -CAfile ca.pem cert.pem").succeeded, "\(time)")
        }
        #expect(try !openssl("verify -attime \(Self.now + 6 * 365 * 86_400) -CAfile ca.pem cert.pem").succeeded)
        #expect(try openssl("x509 -in ca.pem -noout -startdate").text == "notBefore=Jan  1 00:00:00 1970 GMT\n")
    }

    @Test func `an issued certificate is kept, and replaced only if it no longer fits`() throws {
        let first = try state.certificate(for: node(), now: Self.now)
        #expect(try state.certificate(for: node(), now: Self.now + 86_400) == first)
        let moved = try state.certificate(for: node(address: "192.168.50.12"), now: Self.now)
        #expect(moved.certificate != first.certificate && moved.authority == first.authority)
        #expect(try state.certificate(for: node(address: "192.168.50.12"), now: Self.now) == moved)
        // Near its end.
        let later = try state.certificate(for: node(address: "192.168.50.12"), now: Self.now + 1700 * 86_400)
        #expect(later.certificate != moved.certificate)
        let other = try state.certificate(for: node("red02", address: nil), now: Self.now)
        #expect(other.certificate != first.certificate && other.authority == first.authority)
        write(later)
        #expect(try openssl("verify -attime \(Self.now + 1800 * 86_400) -CAfile ca.pem cert.pem").succeeded)
    }

    @Test func `only their owner can read the files`() throws {
        _ = try state.certificate(for: node(), now: Self.now)
        let tls = state.directory.appending("tls")
        for directory in ["", "nodes", "nodes/red01"] {
            let path = FilePath("\(tls)/\(directory)")
            #expect(try path.stat().permissions == .ownerReadWriteExecute)
        }
        for file in ["ca.pem", "ca-key.pem", "nodes/red01/cert.pem", "nodes/red01/key.pem"] {
            #expect(try FilePath("\(tls)/\(file)").stat().permissions == .ownerReadWrite)
        }
    }

    @Test func `an authority that has lost one of its files is reported, never replaced`() throws {
        _ = try state.certificate(for: node(), now: Self.now)
        let key = scratch.read("rack/.piflash/tls/ca-key.pem")
        try FileManager.default.removeItem(atPath: scratch["rack/.piflash/tls/ca-key.pem"].string)
        #expect(throws: Failure.self) { try state.certificate(for: node(), now: Self.now) }
        _ = try RackState(besideRecipe: scratch["other/x.yaml"]).certificate(for: node(), now: Self.now)
        scratch.write(scratch.read("other/.piflash/tls/ca-key.pem"), to: "rack/.piflash/tls/ca-key.pem")
        #expect(chmod(scratch["rack/.piflash/tls/ca-key.pem"].string, 0o600) == 0)
        let failure = #expect(throws: Failure.self) { try state.certificate(for: node(), now: Self.now) }
        #expect(failure?.message.contains("do not belong together") == true)
        scratch.write(key, to: "rack/.piflash/tls/ca-key.pem")
        _ = try state.certificate(for: node(), now: Self.now)
    }

    @Test func `many runs at once make one authority`() async throws {
        let state = state
        let nodes = (1...8).map { node("red0\($0)") }
        let authorities = try await withThrowingTaskGroup(of: String.self) { group in
            for node in nodes {
                group.addTask { try state.certificate(for: node, now: Self.now).authority }
            }
            var all: Set<String> = []
            for try await authority in group { all.insert(authority) }
            return all
        }
        #expect(authorities.count == 1)
    }

    @Test func `a certificate is for an IPv6 address, too`() throws {
        var node = node("red05")
        let place = Location(file: "red05.yaml", line: 1, column: 1)
        node.addresses.append(Located(Node.StaticAddress(address: "fd00::11", prefixLength: 64), at: place))
        write(try state.certificate(for: node, now: Self.now))
        for address in ["192.168.50.11", "fd00::11"] {
            #expect(try openssl("verify -verify_ip \(address) -CAfile ca.pem cert.pem").succeeded)
        }
        #expect(try !openssl("verify -verify_ip fd00::12 -CAfile ca.pem cert.pem").succeeded)
    }

    @Test func `contexts name their nodes, and only secured ones hold certificates`() throws {
        let made = try DockerContexts(
            of: [node(), node("red02", address: nil, remote: .ssh)], in: scratch["out"], now: Self.now)
        #expect(made.contexts.map(\.host) == ["tcp://192.168.50.11:2376", "ssh://pirate@red02.local"])
        let others = try DockerContexts(
            of: [node("red03", address: "fd00::11"), node("red04", address: nil, remote: .ssh)], in: scratch["others"],
            now: Self.now, answersLocalName: { _ in false })
        #expect(others.contexts.map(\.host) == ["tcp://[fd00::11]:2376", "ssh://pirate@red04"])
        let tar = try OutsideTool("tar").run(["-tvf", made.contexts[0].file.string])
        #expect(tar.succeeded && tar.errors.isEmpty)
        #expect(
            tar.text.split(separator: "\n").map { $0.split(separator: " ").last } == [
                "meta.json", "tls/docker/ca.pem", "tls/docker/cert.pem", "tls/docker/key.pem",
            ])
        #expect(try OutsideTool("tar").run(["-tf", made.contexts[1].file.string]).text == "meta.json\n")
        for name in ["ca.pem", "cert.pem", "key.pem", "red01.dockercontext"] {
            #expect(try scratch["out"].appending(name).stat().permissions == .ownerReadWrite)
        }
        #expect(try openssl("verify -purpose sslclient -CAfile out/ca.pem out/cert.pem").succeeded)
        #expect(try !openssl("verify -purpose sslserver -CAfile out/ca.pem out/cert.pem").succeeded)
        // Again: the same bytes.
        let before = scratch.read("out/red01.dockercontext")
        _ = try DockerContexts(of: [node()], in: scratch["out"], now: Self.now + 60)
        #expect(scratch.read("out/red01.dockercontext") == before)
    }

    @Test func `nodes that cannot be reached, and nodes of two racks, are refused`() throws {
        #expect(throws: DiagnosticReport.self) {
            try DockerContexts(of: [node(remote: .none)], in: nil, now: Self.now)
        }
        #expect(throws: DiagnosticReport.self) {
            try DockerContexts(of: [node(), node()], in: nil, now: Self.now)
        }
        var far = node("red02")
        far.recipePath = scratch["other/red02.yaml"].string
        #expect(throws: Failure.self) { try DockerContexts(of: [node(), far], in: nil, now: Self.now) }
        #expect(!FileManager.default.fileExists(atPath: scratch["rack/.piflash"].string))
    }
}
