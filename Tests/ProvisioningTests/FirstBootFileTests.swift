import Provisioning
import Recipes
import Testing
import TestSupport

/// The small files that device-init, occi and Debian's rpi-set-sysconf read at every boot.
@Suite struct FirstBootFileTests {
    private struct DeviceInit: Decodable { let hostname: String }

    @Test(arguments: ["red01", "yes", "0123", "12e03", "0x1f", "null", "on", "1-0", "2024-01-01"])
    func `device-init finds one host name, and nothing to do at every boot`(_ name: String) async throws {
        let column = Sample.column("HypriotOS 0.2.5–1.6")
        var node = Sample.full(for: column)
        node.hostname = Sample.at(name)
        let text = try #require(try await Sample.provision(node, column).text("device-init.yaml"))
        let read: [String: String] = try Oracle.ask(text, "import yaml\nanswer = yaml.safe_load(question)")
        #expect(read == ["hostname": name])
    }

    @Test func `occi finds the host name, and no passphrase`() async throws {
        let node = Sample.full(for: Sample.hypriot2015)
        let text = try #require(try await Sample.provision(node, Sample.hypriot2015).text("occidentalis.txt"))
        // occi's own pattern: no blanks around the sign, and the value is the rest of the line.
        let read: [String: String] = try Oracle.ask(
            text,
            """
            import re
            found = (re.match(r"^([a-z_]+)=(.*)$", line, re.I) for line in question.replace("\\r", "").split("\\n"))
            answer = {match[1].lower(): match[2] for match in found if match}
            """)
        #expect(read == ["hostname": "red01"])
    }

    /// Blanks at the ends are cut, and so is all behind a "#".
    private static func sysconf(_ texts: [String]) throws -> [[String: String]] {
        try Oracle.ask(
            texts,
            """
            def read(text):
                lines = (line.split("#")[0].strip() for line in text.split("\\n"))
                pairs = (line.split("=", 1) for line in lines if "=" in line)
                return {key.strip(): value.strip() for key, value in pairs}
            answer = [read(text) for text in question]
            """)
    }

    /// Its program would let root log in with a key from the boot partition, whatever `user.sudo` says.
    @Test func `Debian's sysconf-txt gives root neither a key nor a password`() async throws {
        var texts: [String] = []
        for key in Sample.keys {
            var node = Sample.bare()
            node.user?.password = nil
            node.user?.sshAuthorizedKeys = [Sample.secret(key)]
            texts.append(try #require(try await Sample.provision(node, Sample.debian).text("sysconf.txt")))
        }
        for (key, read) in zip(Sample.keys, try Self.sysconf(texts)) {
            #expect(read == ["hostname": "red01"], "\(key)")
        }
    }
}
