import Testing
import TestSupport
import Text
import Yams

@testable import Provisioning

@Suite struct YAMLTests {
    @Test func `every nasty string comes back from Yams as it was, as a value and as a key`() throws {
        // Yams drops a byte-order mark, escaped or not; PyYAML, below, keeps it.
        for text in Corpus.controls where !text.unicodeScalars.contains("\u{FEFF}") {
            let document = YAML.map([.init("v", .text(text)), .init(text, .words([text, text]))]).document
            let loaded = try #require(try Yams.compose(yaml: document)?.mapping, "\(document)")
            #expect(loaded["v"]?.scalar?.string == text, "\(document)")
            #expect(loaded["v"]?.tag.description == "tag:yaml.org,2002:str")
            let last = try #require(Array(loaded).last)
            #expect(last.key.scalar?.string == text, "\(document)")
            #expect(last.key.tag.description == "tag:yaml.org,2002:str")
            #expect(last.value.sequence?.map { $0.scalar?.string ?? "" } == [text, text])
        }
    }

    @Test func `every nasty string comes back from PyYAML, which reads YAML 1-1, as it was`() throws {
        let document =
            YAML.list(Corpus.controls.map { .text($0) }).document
            + YAML.list(Corpus.names.map { .map([.init($0, .words([$0]))]) }).document
        let program = """
            import sys, yaml
            text = sys.stdin.buffer.read().decode("utf-8")
            for item in yaml.safe_load(text):
                s = item if isinstance(item, str) else None
                if s is None:
                    (key, value), = item.items()
                    assert isinstance(key, str) and value == [key], item
                    s = key
                sys.stdout.buffer.write(s.encode("utf-8").hex().encode() + b"\\n")
            """
        let result = try Oracle.python(program, input: Array(document.utf8))
        #expect(result.succeeded, "\(result.errors)")
        #expect(
            result.text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
                == (Corpus.controls + Corpus.names).map(\.utf8.hex))
    }

    @Test func `characters that PyYAML before 5-1 refuses are escaped`() {
        #expect(YAML.quoted("😀") == "\"\\U0001F600\"")
        #expect(YAML.quoted("Café") == "\"Café\"")
        #expect(YAML.quoted("\u{85}\u{FEFF}") == "\"\\x85\\uFEFF\"")
    }

    @Test func `block style nests lists and maps two spaces deep`() {
        let yaml = YAML.map([
            .init("a", .list([.map([.init("b", .number(1)), .init("c", .list([.text("d")]))]), .words(["e", "f"])])),
            .init("g", .map([])), .init("h", .list([])), .init("no", .flag(false)),
        ])
        #expect(
            yaml.document == """
                a:
                  - b: 1
                    c:
                      - "d"
                  - ["e", "f"]
                g: {}
                h: []
                "no": false

                """)
    }
}
