import TestSupport
import Testing
import Text

@Suite struct VisibleTextTests {
    @Test(arguments: [
        ("", ""), ("plain, ünïcode 🍓\n\tx", "plain, ünïcode 🍓\n\tx"), ("a\r\nb", "a\nb"), ("a\rb\r", "a\\x0db\\x0d"),
        ("\u{1B}[2J\u{1B}]52;c;aWQ=\u{7}", "\\x1b[2J\\x1b]52;c;aWQ=\\x07"), ("\u{9B}31m", "\\x9b31m"),
        ("\u{0}\u{7F}", "\\x00\\x7f"), ("a\u{202E}b\u{2066}", "a\\u202eb\\u2066"), ("\u{1B}\u{301}", "\\x1b\u{301}"),
    ])
    func `a terminal shows what it would obey`(_ text: String, _ shown: String) {
        #expect(Array(text.visible.utf8) == Array(shown.utf8))
        #expect(text.visible.visible == text.visible)
    }

    @Test func `parts are found, split and replaced by scalars`() {
        let slash = "a\u{600}/\u{301}b"
        #expect(slash.contains(scalar: "/") && slash.contains(bytes: "/") && !slash.contains("/"))
        #expect(slash.split(at: "/").map { Array($0.utf8) } == [Array("a\u{600}".utf8), Array("\u{301}b".utf8)])
        #expect("/\u{301}".begins(with: "/") && !"/\u{301}".hasPrefix("/"))
        #expect("\u{600}/".ends(with: "/") && !"/".ends(with: "a/"))
        #expect(Array(slash.replacing(scalar: "/", with: "-").utf8) == Array("a\u{600}-\u{301}b".utf8))
        #expect("a://b://".replacing(bytes: "://", with: "|") == "a|b|")
        #expect("a,,b".split(at: ",", omittingEmptySubsequences: false) == ["a", "", "b"])
        #expect("a=b=c".split(at: "=", maxSplits: 1) == ["a", "b=c"])
        #expect("a\r\nb".split(at: "\n") == ["a\r", "b"])
    }
}
