import Diagnostics
import Host
import SystemPackage
import Testing

@Suite struct DiagnosticsTests {
    @Test(arguments: [
        (0, "0 bytes"), (1023, "1023 bytes"), (1024, "1 KiB"), (1536, "1.5 KiB"), (1 << 30, "1 GiB"),
        (31_914_983_424, "29.7 GiB"),
    ])
    func `sizes read as people write them`(_ count: Int64, _ text: String) {
        #expect(formatBytes(count) == text)
    }

    @Test(arguments: [
        ("hostnme", "hostname"), ("pasword", "password"), ("sotrage-driver", "storage-driver"), ("zzz", nil),
    ])
    func `a mistyped word is recognised when it is near`(_ typed: String, _ meant: String?) {
        #expect(nearest(to: typed, among: ["hostname", "password", "storage-driver", "wifi"]) == meant)
    }

    @Test func `diagnostics come in the order of their places`() {
        var report = DiagnosticReport()
        report.error(at: Location(file: "b.yaml", line: 1, column: 1), "third")
        report.error(at: Location(file: "a.yaml", line: 10, column: 1), "second")
        report.warning(at: Location(file: "a.yaml", line: 9, column: 7), "first")
        #expect(report.description == "a.yaml:9:7: warning: first\na.yaml:10:1: second\nb.yaml:1:1: third")
    }

    @Test(arguments: [
        ("\"http://u:hunter2@h:1\" is not valid", "\"http://…@h:1\" is not valid"),
        (
            "\"socks5h://u:hun ter/2@x@h\": no (http://user:password@host:port; @ is %40)",
            "\"socks5h://…@h\": no (http://user:password@host:port; @ is %40)"
        ),
        ("see https://docs.docker.com and me@example.org", "see https://docs.docker.com and me@example.org"),
        ("http://hunter2@h/x http://b/@c", "http://…@h/x http://…@c"), ("://", "://"), ("a://@b", "a://…@b"), ("", ""),
        ("http://ü:hunter2\u{301}@h", "http://…@h"),
    ])
    func `no message shows the login of a URL`(_ text: String, _ shown: String) {
        #expect(Failure(.usage, text, hint: text).description == "\(shown)\n  hint: \(shown)")
        #expect(Diagnostic(.error, at: nil, text).text == shown)
    }

    @Test(arguments: [
        ("hostnme", "\"hostnme\""), ("password=hunter2", "\"password…\""), ("pass word", "\"pass…\""), ("", "\"\""),
        ("token:hunter2", "\"token…\""),
    ])
    func `a key that is a whole line shows no value`(_ name: String, _ shown: String) {
        #expect(quotedKey(name) == shown)
    }

    @Test func `a layer says what was being done`() {
        let failure = #expect(throws: Failure.self) {
            try during("reading the card") { throw Failure(.system, "no such device", hint: "put it back") }
        }
        #expect(failure?.description == "reading the card: no such device\n  hint: put it back")
    }

    @Test func `a tilde is the invoking user's home`() {
        let user = InvokingUser(userID: 1000, groupID: 1000, home: "/home/me")
        #expect(user.expandingTilde("~/x") == "/home/me/x")
        #expect(user.expandingTilde("~") == "/home/me")
        #expect(user.expandingTilde("a~/x") == "a~/x")
    }
}
