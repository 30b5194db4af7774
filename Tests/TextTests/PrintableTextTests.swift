import Testing
import Text

@Suite struct PrintableTextTests {
    @Test(arguments: [
        ("", ""), ("plain, ünïcode 🍓", "plain, ünïcode 🍓"), (" a\tb\r\nc\n", "a b  c"),
        ("\u{1B}[2Jx\u{9B}y\u{0}", "[2Jx y"),
        ("a\u{202E}b\u{2028}c\u{FEFF}", "a b c"), ("12345678", "12345678"), ("123456789", "12345678…"),
        ("\u{1B}\u{7}", ""),
    ])
    func `a text of a stranger is shown in one line without control characters`(_ text: String, _ shown: String) {
        #expect(text.printable(limit: text.hasPrefix("1") ? 8 : 100) == shown)
    }

    @Test func `a letter with any number of marks on it is bounded, too`() {
        let text = "a" + String(repeating: "\u{301}", count: 1_000_000)
        #expect(text.printable(limit: 20).unicodeScalars.count == 21)
    }
}
