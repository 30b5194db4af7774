import Provisioning
import Recipes
import SystemPackage
import Testing
import TestSupport
import Text

/// /etc/default/docker as its two readers read it: sh, by the sysvinit script, and systemd, by EnvironmentFile.
@Suite struct DockerOptionsTests {
    private static let expected = [
        "--storage-driver=overlay", "--label=rack=red", "--label=arch=armv7", "--debug=true",
        "--registry-mirror=http://192.168.50.2:5000", "--insecure-registry=192.168.50.2:5000",
    ]

    /// The words that the daemon gets: sh splits the unquoted $DOCKER_OPTS.
    private static func shell(_ text: String) throws -> [String] {
        let scratch = ScratchDirectory()
        let file = scratch.write(text, to: "docker").string
        let program = #"set -eu; . "$1"; set -f; printf '%s\n' $DOCKER_OPTS"#
        for shell in ["dash", "bash"] {
            let result = try OutsideTool("env").run(["-i", "/bin/\(shell)", "-c", program, shell, file])
            #expect(result.succeeded && result.errors.isEmpty, "\(shell) \(result.errors)")
            if shell == "bash" { return result.text.split(separator: "\n").map(String.init) }
        }
        return []
    }

    /// systemd.exec(5): no expansion, no "export", quotes around the value go; then $DOCKER_OPTS splits at blanks.
    private static func systemd(_ text: String) throws -> [String] {
        try Oracle.ask(
            text,
            """
            import shlex
            joined = question.replace("\\\\\\n", " ")
            lines = (line.strip() for line in joined.split("\\n"))
            pairs = dict(line.split("=", 1) for line in lines if line and line[0] not in "#;")
            answer = "".join(shlex.split(pairs["DOCKER_OPTS"], posix=True) or [""]).split()
            """)
    }

    private static let vendors = [
        "as the image has it": nil,
        "without options": "# a comment\n#DOCKER_OPTS=\"--dns 8.8.8.8\"\n",
        "empty": "", "without a line end": "DOCKER_OPTS='--storage-driver=overlay -D'",
        "over two lines": "DOCKER_OPTS=\"--storage-driver=overlay \\\n  -D\"\nexport TMPDIR\n",
        "exported": "export DOCKER_OPTS=\"-D\"\n",
        "set twice": "DOCKER_OPTS=\"-D\"\nDOCKER_OPTS=\"$DOCKER_OPTS --storage-driver=overlay\"\n",
    ]

    @Test(arguments: vendors.keys.sorted())
    func `sh and systemd read the same options`(_ vendor: String) async throws {
        var tree = RootTree(Sample.hypriot2015)
        if let text = Self.vendors[vendor] ?? nil { tree.file(text, "/etc/default/docker") }
        let node = Sample.full(for: Sample.hypriot2015)
        let provision = try await Sample.provision(node, Sample.hypriot2015, root: tree.asRead)
        let text = try #require(provision.rootText("/etc/default/docker"))
        let words = try Self.shell(text)
        #expect(words == Self.expected)
        let plain = text.split(separator: "\n").filter { !$0.hasPrefix("export ") }.map { $0 + "\n" }.joined()
        let systemds = try Self.systemd(plain)
        #expect(systemds == Self.expected)
        // Again, on what is there now.
        let again = try await Sample.provision(node, Sample.hypriot2015, root: tree.applying(provision).asRead)
        #expect(again.rootText("/etc/default/docker") == text)
    }

    @Test func `a storage driver that only the image names stays, at any place`() async throws {
        var node = Sample.bare()
        node.docker.daemon = [.init(name: Sample.at("debug"), value: Sample.at(.bool(false)))]
        for text in [
            "DOCKER_OPTS=\"--storage-driver=overlay -D\"\n", "DOCKER_OPTS=\"-D \\\n --storage-driver=overlay\"\n",
        ] {
            var tree = RootTree(Sample.hypriot2015)
            tree.file(text, "/etc/default/docker")
            let provision = try await Sample.provision(node, Sample.hypriot2015, root: tree.asRead)
            let written = try #require(provision.rootText("/etc/default/docker"))
            let words = ["--storage-driver=overlay", "--debug=false", "--label=arch=armv7"]
            #expect(try Self.shell(written) == words, "\(text)")
            #expect(try Self.systemd(written) == words, "\(text)")
        }
    }

    @Test(arguments: Corpus.names)
    func `a value is the same word to both readers, or is refused`(_ value: String) async throws {
        var node = Sample.bare()
        node.docker.daemon = [.init(name: Sample.at("labels"), value: Sample.at(.array([.string("a=\(value)")])))]
        do {
            let provision = try await Sample.provision(node, Sample.hypriot2015)
            let text = try #require(provision.rootText("/etc/default/docker"))
            #expect(try Self.shell(text).contains("--label=a=\(value)"))
            #expect(try Self.systemd(text).contains("--label=a=\(value)"))
        } catch let error as OutsideTool.Missing {
            throw error
        } catch {
            // Docker 1.6 takes one "=" in a label, whatever its readers do.
            let reason = value.contains("=") ? "takes just one \"=\"" : "cannot be in DOCKER_OPTS"
            #expect("\(error)".contains(reason))
        }
    }
}
