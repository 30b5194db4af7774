import TestSupport
import Testing
import Text

@Suite struct ShellQuotingTests {
    static let texts = [
        "", "a", "a b", "it's", "''", "$(id)", "`id`", "\\", "\"", "\n", "a\\'b", "*", "é", "#x", "!", "a=b", "-n",
        "/media/me/boot", "e\u{301}'\u{301}",
    ]

    @Test(arguments: texts)
    func `a shell reads a quoted text as one word, as it was`(_ text: String) throws {
        for word in [shellQuoted(text), shellWord(text)] {
            let result = try OutsideTool("sh").run(["-c", "printf '%s|' \(word)"])
            #expect(result.output == Array("\(text)|".utf8))
        }
    }

    @Test func `a plain word stays plain for people`() {
        #expect(shellWord("/media/me/BOOT-1_a.b+c:d,e@f") == "/media/me/BOOT-1_a.b+c:d,e@f")
        #expect(shellWord("a b") == "'a b'")
        #expect(shellWord("") == "''")
    }
}
