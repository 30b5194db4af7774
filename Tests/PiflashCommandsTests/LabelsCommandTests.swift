import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct LabelsCommandTests {
    let harness = CommandHarness()

    /// What a list of people may hold.
    static let names = [
        "<script>alert(1)</script>", "O'Neill \"Bob\" & Sons", "</style><b>", "{{node}} {{{qr}}}", "<!--", "-->",
        "&amp;", "Zoë 😀",
        "a\nb", "{{=<% %>=}}", "'; x", "]]>",
    ]

    private func makeClass(password: String = "!env PI_PASSWORD") {
        let rows = Self.names.enumerated().map { index, name in
            "\(index + 1),s\(index),\"\(name.replacing("\"", with: "\"\""))\",hunter\(index)"
        }
        harness.scratch.write(
            "Seat,login,Name,password\n" + rows.joined(separator: "\n") + "\n", to: "class/people.csv")
        harness.scratch.write(
            """
            nodes: "pi[01-12]"
            addresses: 10.0.7.101/24
            roster: people.csv
            user: { name: "{{login}}", password: \(password) }
            """, to: "class/class.yaml")
    }

    /// What Python's parser of HTML finds: the text of every element of a class or a name, the tags, and each label's link.
    private func parse(_ file: String) throws -> [String: Any] {
        let result = try OutsideTool("/usr/bin/python3").run([
            "-c",
            """
            import html.parser, json, sys
            class Page(html.parser.HTMLParser):
                def __init__(self):
                    super().__init__(); self.tags = []; self.text = []; self.attributes = []
                def handle_starttag(self, tag, attrs):
                    self.tags.append(tag); self.attributes += [v for k, v in attrs if k in ('src', 'href')]
                def handle_data(self, data):
                    if self.tags and self.tags[-1] != 'style': self.text.append(data)
            page = Page(); page.feed(open(sys.argv[1], encoding='utf-8', newline='').read()); page.close()
            print(json.dumps({'tags': sorted(set(page.tags)), 'text': ''.join(page.text), 'links': page.attributes,
                              'sections': page.tags.count('section'), 'codes': page.tags.count('svg')}))
            """, harness.scratch[file].string,
        ])
        return try #require(
            try JSONSerialization.jsonObject(with: Data(result.output)) as? [String: Any], "\(result.errors)")
    }

    @Test(arguments: [[], ["--hand-outs"]])
    func `a sheet holds every name as text, and loads nothing`(_ options: [String]) async throws {
        makeClass()
        let outcome = await harness.run(list: ["labels", "class/class.yaml"] + options)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let page = try parse(options.isEmpty ? "class/labels.html" : "class/hand-outs.html")
        let text = try #require(page["text"] as? String)
        for name in Self.names { #expect(text.contains(name), "\(name)") }
        for index in 1...12 {
            #expect(text.contains("10.0.7.\(100 + index)"))
            #expect(text.contains("s\(index - 1)@10.0.7.\(100 + index)"))
        }
        #expect(page["sections"] as? Int == 12)
        #expect(page["codes"] as? Int == 12)
        #expect(page["links"] as? [String] == [])
        #expect(!(page["tags"] as? [String] ?? []).contains("script"))
        #expect(!text.contains("hunter"))
        #expect(!text.contains("black pearl"))
    }

    @Test func `the codes of a sheet lead to the nodes`() async throws {
        makeClass()
        #expect(await harness.run("labels", "class").status == 0)
        let html = String(decoding: harness.scratch.read("class/labels.html"), as: UTF8.self)
        let codes = html.matches(of: /<svg.*?<\/svg>/).map { String($0.output) }
        try #require(codes.count == 12)
        for (index, code) in codes.enumerated() {
            harness.scratch.write(code, to: "code.svg")
            _ = try OutsideTool("rsvg-convert").run([
                "-w", "300", "-o", harness.scratch["code.png"].string, harness.scratch["code.svg"].string,
            ])
            let read = try OutsideTool("zbarimg").run(["-q", "--raw", harness.scratch["code.png"].string])
            #expect(read.text == "ssh://s\(index)@10.0.7.\(101 + index)\n")
        }
    }

    @Test func `a password is on the sheet when it is asked for, and then nobody else reads the file`() async throws {
        makeClass()
        let outcome = await harness.run("labels", "--with-password", "class/class.yaml")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("in clear"))
        #expect(try (parse("class/labels.html")["text"] as? String)?.contains("black pearl") == true)
        #expect(try harness.scratch["class/labels.html"].stat().permissions.rawValue == 0o600)
        // Each one's own, from the roster; and a hash is nobody's password.
        makeClass(password: "\"{{password}}\"")
        let own = await harness.run("labels", "--with-password", "--text", "class/class.yaml")
        #expect(own.output.contains("hunter0") && own.output.contains("hunter11"))
        #expect(!(await harness.run("labels", "--text", "class/class.yaml").output.contains("hunter")))
        makeClass(password: "\"$6$salt$\(String(repeating: "h", count: 86))\"")
        let hash = await harness.run("labels", "--with-password", "--text", "class/class.yaml")
        #expect(!hash.output.contains("$6$"))
        #expect(hash.errors.contains("only the password's hash"))
    }

    /// ssh_password, whether there is a key, and whether ssh takes the password.
    @Test(arguments: [
        ("", false, true), ("", true, false), (", ssh_password: true", true, true),
        (", ssh_password: false", true, false),
    ])
    func `a sheet never gives a password that ssh does not take as one for ssh`(
        _ line: String, hasKey: Bool, isForSSH: Bool
    ) async throws {
        let key = hasKey ? ", ssh_authorized_keys: [\"\(CommandHarness.key)\"]" : ""
        makeClass(password: "!env PI_PASSWORD\(key)\(line)")
        let text = await harness.run("labels", "--with-password", "--text", "class/class.yaml")
        #expect(text.output.contains("password (not for ssh)  black pearl") != isForSSH, "\(text.output)")
        #expect(text.output.contains(/(?m)^password +black pearl$/) == isForSSH)
        for options in [[], ["--hand-outs"]] {
            let outcome = await harness.run(list: ["labels", "--with-password", "class/class.yaml"] + options)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let page = try parse(options.isEmpty ? "class/labels.html" : "class/hand-outs.html")
            let sheet = try #require(page["text"] as? String)
            #expect(sheet.contains("black pearl"))
            #expect((sheet.contains("not for ssh") || sheet.contains("ssh takes a key")) != isForSSH)
        }
    }

    @Test func `a column that the recipe takes its secret from stays off the sheet, whatever its name`() async throws {
        harness.scratch.write("seat,animal\n7,black-horse\n", to: "people.csv")
        harness.scratch.write(
            "nodes: pi01\nroster: people.csv\nuser: { name: pi, password: \"{{animal}}\" }\n", to: "class.yaml")
        let outcome = await harness.run("labels", "--text", "class.yaml")
        #expect(outcome.output.contains("seat"))
        #expect(!outcome.output.contains("black-horse"))
    }

    @Test func `a file that piflash did not make is left alone`() async throws {
        makeClass()
        harness.scratch.write("<p>mine</p>", to: "class/labels.html")
        let outcome = await harness.run("labels", "class")
        #expect(outcome.status == 2)
        #expect(String(decoding: harness.scratch.read("class/labels.html"), as: UTF8.self) == "<p>mine</p>")
        #expect(await harness.run("labels", "class", "--output", "a.html").status == 0)
        #expect(await harness.run("labels", "class", "--output", "a.html").status == 0)
    }

    @Test func `one's own template is filled in, and a broken one is refused`() async throws {
        makeClass()
        harness.scratch.write("{{#nodes}}{{node}}={{target}};{{roster.name}}\n{{/nodes}}", to: "mine.mustache")
        let outcome = await harness.run("labels", "class", "--template", "mine.mustache", "--output", "-")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(
            outcome.output.hasPrefix("pi01=s0@10.0.7.101;&lt;script&gt;alert(1)&lt;/script&gt;\n"), "\(outcome.output)")
        harness.scratch.write("{{#nodes}}", to: "mine.mustache")
        let broken = await harness.run("labels", "class", "--template", "mine.mustache", "--output", "-")
        #expect(broken.status == 2)
        #expect(broken.errors.contains("mine.mustache"))
        #expect(await harness.run("labels", "--print-template", "--hand-outs").output.contains("{{{qr}}}"))
    }

    @Test(arguments: [
        (SampleImage.ubuntu, "", "pi1\n", ""), (.raspberryPiOS, "", "pi1.local\n", ""),
        (.ubuntu, "first_boot: { packages: [avahi-daemon] }\n", "pi1.local\n", ""),
    ])
    func `NAME.local is only on a label if something answers to it`(
        _ image: SampleImage, _ rest: String, _ end: String, _ note: String
    ) async throws {
        try image.make(at: harness.scratch["sample.img"])
        harness.scratch.write("image: { source: sample.img }\nhostname: pi1\n" + rest, to: "pi1.yaml")
        let outcome = await harness.run("labels", "--text", "pi1.yaml")
        #expect(outcome.output.hasSuffix("ssh   \(end)"), "\(outcome.output)")
        #expect(!outcome.errors.contains("avahi-daemon"))
    }

    @Test func `without the image a label says what it depends on`() async {
        harness.scratch.write("hostname: pi1\n", to: "pi1.yaml")
        let outcome = await harness.run("labels", "--text", "pi1.yaml")
        #expect(outcome.output.hasSuffix("ssh   pi1.local\n"))
        #expect(outcome.errors.contains("pi1.local: this works if the image has avahi-daemon"))
    }

    @Test func `columns are in the roster's order, a name before them`() async throws {
        harness.scratch.write("zoo,seat,name,ant\nz,7,Ann,a\n", to: "people.csv")
        harness.scratch.write("nodes: pi01\nroster: people.csv\n", to: "class.yaml")
        let outcome = await harness.run("labels", "--text", "class.yaml")
        #expect(
            outcome.output.split(separator: "\n").map { $0.prefix { $0 != " " } }.suffix(4)
                == ["seat", "name", "zoo", "ant"], "\(outcome.output)")
    }
}
