import Text
import Diagnostics
import Foundation
import Recipes
import SystemPackage
import TestSupport
import Testing

@testable import Remote

@Suite struct RemoteTests {
    @Test func `shellcheck and both shells accept the scripts`() throws {
        for source in [DaemonChange.program, NodeProbe.script, NodeStatus.script, SwarmReport.script] {
            let scratch = ScratchDirectory()
            // As they run: in a function, after the values that are set for them.
            let values = ["NAME", "FILE", "NEW", "WRITTEN", "SUM", "HOSTS", "RESTART", "MANAGER", "WAIT"]
            let text =
                "#!/bin/sh\n" + (source == DaemonChange.program ? values.map { "\($0)=1\n" }.joined() : "")
                + "work() {\n\(source)\n}\nwork </dev/null\n"
            let path = scratch.write(text, to: "script").string
            // First-boot functions that are not called here.
            let check = try OutsideTool("shellcheck").run(["-s", "sh", "-e", "SC2317,SC1091", path])
            #expect(check.succeeded, "\(check.text)")
            #expect(try OutsideTool("dash").run(["-n", path]).succeeded)
            #expect(try OutsideTool("busybox").run(["sh", "-n", path]).succeeded)
        }
    }

    @Test(arguments: [
        ("", "a\n"), ("a\nb\nc\n", "a\nB\nc\n"), ("a\nb\n", "a\nb\nc\n"), ("x\ny\n", "y\n"),
        ((1...30).map { "\($0)\n" }.joined(), (2...30).map { $0 == 20 ? "x\ny\n" : "\($0)\n" }.joined() + "z\n"),
    ])
    func `patch makes the new text of the old one and the difference`(_ old: String, _ new: String) throws {
        let scratch = ScratchDirectory()
        let file = scratch.write(old, to: "file").string
        let text = TextDifference(from: old, to: new).unified(from: "file", to: "file")
        let patched = try OutsideTool("patch").run(["-s", file], input: Array(text.utf8))
        #expect(patched.succeeded, "\(patched.text) \(text)")
        #expect(String(decoding: scratch.read("file"), as: UTF8.self) == new, "\(text)")
    }

    @Test func `a long output keeps its ends`() {
        var output = BoundedOutput(limit: 20)
        for index in 0..<1000 { output.append(Array("\(index % 10)".utf8)) }
        let text = String(decoding: output.bytes, as: UTF8.self)
        #expect(text == "0123456789\n[… 980 bytes left out …]\n0123456789")
        var short = BoundedOutput(limit: 20)
        short.append(Array("twenty characters !!".utf8))
        #expect(String(decoding: short.bytes, as: UTF8.self) == "twenty characters !!")
    }

    @Test func `jobs are bounded, and results come in order`() async {
        actor Meter {
            var now = 0
            var most = 0
            func enter() { now += 1; most = max(most, now) }
            func leave() { now -= 1 }
        }
        let meter = Meter()
        let results = await inParallel(Array(0..<20), jobs: 3) { item in
            await meter.enter()
            try? await Task.sleep(for: .milliseconds(20 - item))
            await meter.leave()
            return item * 2
        }
        #expect(results == (0..<20).map { $0 * 2 })
        #expect(await meter.most == 3)
    }

    @Test func `a node is reached by its address, or by its names`() {
        let here = Location(file: "r.yaml", line: 1, column: 1)
        var node = Node(hostname: Located("red01", at: here), recipeDigest: "", recipePath: "r.yaml")
        node.user = .init(name: Located("pirate", at: here))
        #expect(RemoteHost(node) == RemoteHost(name: "red01", addresses: ["red01.local", "red01"], user: "pirate"))
        node.address = Located(.init(address: "10.0.0.1", prefixLength: 8), at: here)
        #expect(RemoteHost(node).addresses == ["10.0.0.1"])
        for (text, host) in [
            ("red00", "red00"), ("red00:2377", "red00"), ("10.0.0.1:1", "10.0.0.1"), ("[fe80::1]:2377", "fe80::1"),
            ("fe80::1", "fe80::1"),
        ] { #expect(SwarmOperations.host(of: text) == host) }
    }

    @Test func `keys are merged by who set them`() {
        func members(_ names: String...) -> [JSONValue.Member] { names.map { .init($0, .string($0)) } }
        let merged = MergedConfiguration.merge(
            [.init("b", .integer(1)), .init("n", .null)], over: members("a", "b", "c"), before: members("b", "c"))
        #expect(merged == [.init("a", .string("a")), .init("b", .integer(1)), .init("n", .null)])
    }

    @Test(arguments: [
        ("hostname 10.0.0.1\nport 22\n", "10.0.0.1"), ("hostname 10.0.0.1\nport 2222\n", "[10.0.0.1]:2222"),
        ("hostname fd00::1\nport 22\n", "fd00::1"), ("hostname fd00::1\nport 2222\n", "[fd00::1]:2222"),
        ("hostname red01.local\nport 2222\nhostkeyalias red\n", "red"), ("", "red01"), ("hostname\nport\n", "red01"),
    ])
    func `a host key has the name under which ssh keeps it`(_ configuration: String, _ name: String) {
        #expect(KnownHost(address: "red01", configuration: configuration).name == name)
    }

    @Test func `the files with host keys are those that ssh reads`() {
        let host = KnownHost(
            address: "x",
            configuration: "userknownhostsfile /home/me/.ssh/known_hosts /home/me/.ssh/known_hosts2\n"
                + "globalknownhostsfile none\n")
        #expect(host.userFiles == ["/home/me/.ssh/known_hosts", "/home/me/.ssh/known_hosts2"])
        #expect(host.globalFiles == [])
    }

    @Test func `secrets of a node are masked`() {
        #expect(NodeText.masked("http://me:pw@h:1/ x") == "http://***@h:1/ x")
        #expect(NodeText.masked(#"  "splunk-token": "abc","#) == #"  "splunk-token": "***","#)
        #expect(NodeText.masked("join SWMTKN-1-abc-def now") == "join SWMTKN-*** now")
        #expect(NodeText.masked(#""mtu": 1400"#) == #""mtu": 1400"#)
    }
}
