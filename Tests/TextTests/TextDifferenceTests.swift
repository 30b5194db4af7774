import Text
import TestSupport
import Testing

@Suite struct TextDifferenceTests {
    @Test func `a changed line is between its neighbours`() {
        let difference = TextDifference(from: "a\nb\nc\nd\ne\nf\ng\nh", to: "a\nb\nc\nd\nE\nf\ng\nh")
        #expect(difference.text(context: 1) == " …\n d\n-e\n+E\n f\n …")
    }

    @Test func `equal texts differ nowhere`() {
        #expect(TextDifference(from: "a\nb\n", to: "a\nb\n").isEmpty)
    }

    @Test func `lines end where bytes say so, and are the same only if their bytes are`() {
        #expect(TextDifference(from: "a\r\nb\r\n", to: "a\r\nc\r\n").text(context: 0) == " …\n-b\r\n+c\r\n …")
        #expect(!TextDifference(from: "\u{E9}", to: "e\u{301}").isEmpty)
    }

    @Test func `the new text can be had from the difference, as diff's oracle patch would`() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            let old = (0..<12).map { _ in String("abc".randomElement(using: &generator) ?? "a") }
            let new = (0..<12).map { _ in String("abc".randomElement(using: &generator) ?? "a") }
            let lines = TextDifference(from: old.joined(separator: "\n"), to: new.joined(separator: "\n")).lines
            let before = lines.compactMap { line -> String? in
                switch line {
                case .same(let text), .removed(let text): text
                case .added: nil
                }
            }
            let after = lines.compactMap { line -> String? in
                switch line {
                case .same(let text), .added(let text): text
                case .removed: nil
                }
            }
            #expect(before == old)
            #expect(after == new)
        }
    }
}
