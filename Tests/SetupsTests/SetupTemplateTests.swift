import Diagnostics
import Setups
import SystemPackage
import TestSupport
import Testing

@Suite struct SetupTemplateTests {
    /// What a value may hold and a file must survive.
    static let nasty = [
        "Café", "my \"net\" \\o/", " lead", "trail ", "it's", "$HOME", "`id`", "a#b", "x #y", "yes", "0123", "12:30",
        "null",
        "~", "=", "0x1f", "1_000", "&anchor", "*alias", "!tag", "%dir", "@at", "{a: b}", "[a]", "| x", "> y", "a: b",
        "a:",
        "- a", "? a", "2024-01-01", "\\x41", "tab\there", "line\u{2028}end", "\u{85}next", "\u{FEFF}bom", "é\u{301}",
        "a\nb",
        "a\r\nb\n", "\u{0}", "\u{7}bell", "\u{1B}[31m", "\u{7F}", "\u{FFFE}", "\u{10FFFF}", "😀", "\"", "\\", "'", "\n",
        "<<other>>", "1.2.3.4", "1.2.3.4/24", "1.5", "1e3", "NO", "a/b-c.d", "---", "...", "#if other", "x #if other",
        "No",
        "y", "-", "1", "true", "a,b;c", ".inf", "+1", "0o17",
    ]

    private func template(_ files: [String: String]) throws -> SetupTemplate {
        try SetupTemplate(name: "mine", files: files.mapValues { Array($0.utf8) })
    }

    /// By PyYAML: what Yams makes of a string loses a byte-order mark at its start.
    @Test func `YAML reads every value back as it was given`() throws {
        let scratch = ScratchDirectory()
        let template = try template([
            "a.yaml": """
            #: x = -- any
            #: other = 1 -- another
            # comment: <<x>>
            plain: <<x>>
            list: [<<x>>, <<x>>]
            map: { a: <<x>>, b: 2 }
            nested:
              - <<x>> # behind it
            end: 1
            """
        ])
        for (index, value) in Self.nasty.enumerated() {
            scratch.write(try template.files(with: ["x": value])["a.yaml"] ?? "", to: "made/\(index).yaml")
            scratch.write(value, to: "made/\(index).value")
        }
        let result = try OutsideTool("/usr/bin/python3").run([
            "-c",
            """
            import glob, sys, yaml
            for path in glob.glob(sys.argv[1] + '/*.yaml'):
                x = open(path[:-4] + 'value', newline='', encoding='utf-8').read()
                tree = yaml.safe_load(open(path, 'rb'))
                wanted = {'plain': x, 'list': [x, x], 'map': {'a': x, 'b': 2}, 'nested': [x], 'end': 1}
                assert tree == wanted, (tree, wanted)
                print('ok')
            """, scratch["made"].string,
        ])
        #expect(result.text.split(separator: "\n").count == Self.nasty.count, "\(result.errors)")
    }

    @Test func `Python's csv reads every value back as it was given`() throws {
        let scratch = ScratchDirectory()
        let template = try template([
            "a.csv": "#: x = -- any\n#: count = 3 -- nodes\nseat,x,end\n<<index>>,<<x>>,<<node>>\n"
        ])
        for value in Self.nasty where !value.contains("\0") {
            let files = try template.files(with: ["x": value])
            scratch.write(files["a.csv"] ?? "", to: "a.csv")
            scratch.write(value, to: "value")
            let result = try OutsideTool("/usr/bin/python3").run([
                "-c",
                """
                import csv, sys
                rows = list(csv.reader(open(sys.argv[1], newline='', encoding='utf-8')))
                value = open(sys.argv[2], newline='', encoding='utf-8').read()
                assert rows == [['seat', 'x', 'end']] + [[str(n), value, 'node0%d' % n] for n in (1, 2, 3)], rows
                """, scratch["a.csv"].string, scratch["value"].string,
            ])
            #expect(result.succeeded, "\(result.errors)")
        }
    }

    @Test func `a line is kept when its variable is given, and otherwise`() throws {
        let template = try template([
            "a.yaml": "#: x = -- any\na: <<x>> #if x\n# no x #unless x\nb: 1\n"
        ])
        #expect(try template.files(with: [:]) == ["a.yaml": "# no x\nb: 1\n"])
        #expect(try template.files(with: ["x": "v"]) == ["a.yaml": "a: v\nb: 1\n"])
    }

    @Test func `a variable in quotes, beside text or unknown is reported with its line`() throws {
        let template = try template(["a.yaml": "#: x = v -- any\na: \"<<x>>\"\nb: a<<x>>\nc: <<y>>\nd: 1 #if z\n"])
        do {
            _ = try template.files(with: [:])
            Issue.record("taken")
        } catch let report as DiagnosticReport {
            #expect(report.errors.count == 4, "\(report)")
            #expect(report.description.contains("did you mean \"x\""))
        }
    }

    @Test func `an unknown variable is refused with the one that was meant`() throws {
        let rack = try #require(try SetupTemplate(builtIn: "rack"))
        do {
            _ = try rack.files(with: ["gatway": "1.2.3.4"])
            Issue.record("taken")
        } catch let failure as Failure {
            #expect(failure.message.contains("did you mean \"gateway\"?"))
        }
        for (name, value) in [("count", "0"), ("count", "many"), ("name", "a,b"), ("name", "Red")] {
            #expect(throws: Failure.self) { try rack.files(with: [name: value]) }
        }
    }
}
