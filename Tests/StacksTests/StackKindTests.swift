import Diagnostics
import Docker
import Stacks
import SystemPackage
import Testing
import TestSupport

/// Each kind of mistake in a compose file, with its line.
@Suite struct StackKindTests {
    static let plain = "services:\n  web:\n    image: nginx\n"

    static let kinds: [(compose: String, place: String, text: String)] = [
        ("this: [is not\n", "2:1", "this is not valid YAML"),
        ("", "1:1", "the compose file is empty"),
        ("- a\n", "1:1", "a compose file is a map with services"),
        ("services: {}\n", "1:11", "the file has no services to deploy"),
        ("servces:\n  web: { image: x }\n", "1:1", "does not know the key \"servces\"; did you mean \"services\"?"),
        (plain + "    prots: ['80:80']\n", "4:5", "did you mean \"ports\"?"),
        (plain + "    profiles: [a]\n", "4:5", "which only docker compose knows"),
        (plain + "    environment: { A: true }\n", "4:23", "write it in quotes, \"true\""),
        (plain + "    networks: [back]\n", "4:16", "does not define the network \"back\""),
        (plain + "    volumes: ['data:/data']\n", "4:15", "does not define the volume \"data\""),
        (plain + "    configs: [c]\n", "4:15", "does not define the config \"c\""),
        (plain + "    secrets: [s]\n", "4:15", "does not define the secret \"s\""),
        (plain + "    volumes: ['./a.conf:/a.conf']\n", "4:15", "is on this machine only"),
        (plain + "    volumes: [{ type: bind, source: ./a, target: /a }]\n", "4:37", "is on this machine only"),
        (plain + "    env_file: none.env\n", "4:15", "there is no file"),
        (plain + "    env_file: ../outside.env\n", "4:15", "is outside of the compose file's directory"),
        (plain + "    hostname: ${NAME}\n", "4:15", "${NAME}: nothing sets NAME on the node"),
        (plain + "    command: 'echo $HOME'\n", "4:14", "$HOME: nothing sets HOME on the node"),
        (plain + "    hostname: ${NAME:?say it}\n", "4:15", "nothing sets NAME on the node"),
        (plain + "    command: 'cost 5$'\n", "4:14", "write \"$$\" for the character"),
        (plain + "    environment: [TOKEN]\n", "4:19", "TOKEN has no value"),
        (plain + "    environment: { TOKEN: }\n", "4:20", "TOKEN has no value"),
        (plain + "    extends: { service: a }\n", "4:5", "docker stack deploy refuses it"),
        ("services:\n  web:\n    build: .\n", "3:12", "the service has no image"),
        ("services:\n  web:\n    image: Nginx\n", "3:12", "not a valid image"),
        ("services:\n  web.a:\n    image: nginx\n", "2:3", "a service's name takes letters"),
        (plain + "networks:\n  proxy:\n    external: true\n", "5:3", "nothing makes the network \"proxy\""),
        (plain + "configs:\n  c:\n    external: true\n", "5:3", "nothing makes the config \"c\""),
        (plain + "secrets:\n  s:\n    external: true\n", "5:3", "nothing makes the secret \"s\""),
        (plain + "secrets:\n  s: { file: none }\n", "5:14", "there is no file"),
        (plain + "secrets:\n  s: {}\n", "5:3", "needs \"file\""),
        (plain + "    deploy: { placement: { constraints: ['role=manager'] } }\n", "4:42", "not a valid constraint"),
        (plain + "    deploy: { mode: global, replicas: 2 }\n", "4:39", "leave it out"),
        (plain + "    ports: ['22:22']\n", "4:13", "every node needs the port 22/tcp for sshd"),
        ("version: 3.8\n" + plain, "1:10", "must be in quotes: version: \"3.8\""),
        ("version: '2.4'\n" + plain, "1:10", "does not take the format \"2.4\""),
        ("version: '3.5'\n" + plain + "    init: true\n", "5:11", "came with version 3.7 of the format"),
    ]

    @Test(arguments: kinds.indices)
    func `each mistake is an error with its line and column, and says what to write`(_ index: Int) {
        let (compose, place, text) = Self.kinds[index]
        let harness = StackHarness()
        let errors = harness.errors(harness.report(compose))
        #expect(errors.contains { $0.hasPrefix("web.yml:\(place): ") && $0.contains(text) }, "\(compose)\n\(errors)")
    }

    @Test func `all mistakes of a file are reported at once`() {
        let harness = StackHarness()
        let compose = Self.plain + "    prots: [1]\n    networks: [a]\n    hostname: ${X}\n"
        #expect(harness.report(compose).errors.count == 3)
    }

    @Test func `what stack deploy ignores is a warning`() {
        let harness = StackHarness()
        let compose =
            Self.plain
            + "    container_name: a\n    depends_on: [b]\n    restart: always\n    links: [b]\n    privileged: true\n"
        let report = harness.report(compose)
        #expect(!report.hasErrors)
        #expect(report.warnings.count == 5)
        #expect(report.warnings.allSatisfy { $0.text.contains("has no effect in a swarm") })
    }

    @Test func `a file without a version is refused where the engine cannot read it`() {
        let harness = StackHarness()
        for (engine, isRefused) in [
            (EngineVersion(19, 3, 12), true), (EngineVersion(20, 10, 24), true), (EngineVersion(23, 0, 0), false),
            (EngineVersion(29, 0, 0), false),
        ] {
            let errors = harness.report(Self.plain, engine: engine).errors
            #expect(errors.isEmpty != isRefused, "\(engine): \(errors)")
            if isRefused { #expect(errors[0].text.contains("write version: \"3.\(engine.major == 19 ? 8 : 9)\"")) }
        }
        #expect(!harness.report(Self.plain).hasErrors)
    }

    @Test func `a version that the engine does not know yet is refused`() {
        let harness = StackHarness()
        let errors = harness.report("version: '3.8'\n" + Self.plain, engine: EngineVersion(18, 6)).errors
        #expect(errors.map(\.text).contains { $0.contains("knows the format only up to 3.7") }, "\(errors)")
        #expect(
            harness.report(Self.plain, engine: EngineVersion(1, 12)).errors.map(\.text).contains {
                $0.contains("cannot deploy stacks")
            })
    }

    @Test func `a network of the recipe or of an earlier stack is there, one of a later stack is not`() {
        let external = "networks: { proxy: { external: true } }\n"
        let makes = "networks: { proxy: { name: proxy } }\n"
        let user = (name: "user", compose: Self.plain + external)
        let maker = (name: "maker", compose: Self.plain + makes)
        #expect(!StackHarness().report([user], networks: ["proxy"]).hasErrors)
        #expect(!StackHarness().report([maker, user]).hasErrors)
        let errors = StackHarness().report([user, maker]).errors
        #expect(errors.map(\.text).contains { $0.contains("put it first in swarm.stacks") }, "\(errors)")
        // The default network of a stack has a name of its own.
        let other = (name: "other", compose: Self.plain + "networks: { a: { external: true, name: user_default } }\n")
        #expect(!StackHarness().report([(name: "user", compose: Self.plain), other]).hasErrors)
    }

    @Test func `two services cannot publish one port, in whatever stack they are`() {
        let web = Self.plain + "    ports: ['80:80', '53:53/udp']\n"
        let other = Self.plain + "    ports: ['80:8080', '53:53/tcp', { target: 1, published: 81, mode: host }]\n"
        let errors = StackHarness().report([("a", web), ("b", other)]).errors
        #expect(errors.count == 1)
        #expect(errors.first?.text.contains("the service a_web already publishes the port 80/tcp") == true, "\(errors)")
    }

    @Test func `configs, secrets and files of variables are carried, and only configs are not secret`() throws {
        let harness = StackHarness()
        let compose = """
            services:
              web:
                image: nginx
                env_file: [./a.env, sub/b.env]
                configs: [c]
                secrets: [s]
            configs: { c: { file: ./nginx.conf } }
            secrets: { s: { file: sub/../secret } }

            """
        var report = DiagnosticReport()
        let source = try #require(
            harness.sources(
                [("web", compose)],
                ["a.env": "A=1\n", "sub/b.env": "B=2\n", "nginx.conf": "conf", "secret": "secret"], &report
            ).first)
        #expect(report.diagnostics.isEmpty, "\(report)")
        #expect(source.files.map(\.path) == ["a.env", "nginx.conf", "secret", "sub/b.env"])
        #expect(source.files.map(\.isSecret) == [true, false, true, true])
    }

    @Test func `a link out of the directory, a directory, an empty secret and a long one are refused`() throws {
        let harness = StackHarness()
        harness.scratch.write("mine", to: "outside/key")
        try FilePath.link(harness.scratch["outside/key"], at: harness.scratch["in/link"])
        harness.scratch.write("", to: "in/empty")
        harness.scratch.write(String(repeating: "x", count: 600 << 10), to: "in/long")
        harness.scratch.write("x", to: "in/directory/file")
        for (file, text) in [
            ("link", "a link to a file outside"), ("empty", "is empty"), ("long", "longer than"),
            ("directory", "is a directory"),
        ] {
            let compose = Self.plain + "secrets: { s: { file: ./\(file) } }\n"
            let errors = harness.report([("in/web", compose)]).errors
            #expect(errors.contains { $0.text.contains(text) }, "\(file): \(errors)")
        }
    }

    @Test func `lines that docker refuses in a file of variables are errors of that file`() {
        let harness = StackHarness()
        let report = harness.report(
            Self.plain + "    env_file: a.env\n", ["a.env": "# c\nA=1\nexport B=2\n=3\n\nD = 4\nE\n"])
        #expect(
            harness.errors(report).map { String($0.prefix(8)) } == ["a.env:3:", "a.env:4:", "a.env:6:"], "\(report)")
        #expect(report.warnings.contains { $0.text.contains("E has no value") })
    }

    @Test func `a variable that the recipe sets is used, one that nothing uses is a warning`() {
        let harness = StackHarness()
        let compose = Self.plain + "    hostname: ${NAME}\n    environment: [TOKEN]\n"
        #expect(harness.report(compose, environment: ["NAME", "TOKEN"]).diagnostics.isEmpty)
        let report = harness.report(compose, environment: ["NAME", "TOKEN", "OTHER"])
        #expect(report.warnings.map(\.text) == ["swarm.stacks.environment: the compose file of web does not use OTHER"])
    }

    @Test func `aliases of aliases do not fill the memory`() {
        var text = "x-a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        for (name, other) in zip("bcdefghij", "abcdefghi") {
            text += "x-\(name): &\(name) [" + Array(repeating: "*\(other)", count: 10).joined(separator: ", ") + "]\n"
        }
        let errors = StackHarness().report(text + Self.plain).errors
        #expect(errors.contains { $0.text.contains("more than 100000 values") }, "\(errors)")
    }

    @Test func `a file longer than a megabyte is not read`() {
        let errors = StackHarness().report(Self.plain + "#" + String(repeating: "x", count: 1 << 20)).errors
        #expect(errors.contains { $0.text.contains("longer than") }, "\(errors)")
    }
}

extension FilePath {
    /// Makes a link, and the directory it is in.
    static func link(_ target: FilePath, at path: FilePath) throws {
        _ = try OutsideTool("mkdir").run(["-p", path.removingLastComponent().string])
        _ = try OutsideTool("ln").run(["-s", target.string, path.string])
    }
}
