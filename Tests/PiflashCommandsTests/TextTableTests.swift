import Testing

@testable import PiflashCommands

@Suite struct TextTableTests {
    private let head = ["NODE", "IMAGE", "FLAVOUR", "LEFT"]
    private let rows = [
        ["red01", "rpios.img", "cloud-init", "write"], ["red02", "rpios.img", "cloud-init", "nothing"],
    ]

    private func lines(_ width: Int?) -> [String] {
        TextTable.columns(head, rows, width: width, spare: ["FLAVOUR", "IMAGE"]).split(separator: "\n").map(String.init)
    }

    @Test func `a table that is too wide loses its spare columns one by one`() {
        // 5 + 2 + 9 + 2 + 10 + 2 + 7 columns.
        #expect(lines(nil) == lines(37))
        #expect(lines(37)[2] == "red02  rpios.img  cloud-init  nothing")
        #expect(lines(36) == ["NODE   IMAGE      LEFT", "red01  rpios.img  write", "red02  rpios.img  nothing"])
        #expect(lines(24) == ["NODE   LEFT", "red01  write", "red02  nothing"])
        // What is not spare stays.
        #expect(lines(3) == lines(24))
    }

    @Test func `text is broken between words, and words only where they must be`() {
        #expect(TextTable.wrapped("one two three", width: 7) == ["one two", "three"])
        #expect(TextTable.wrapped("one two three", width: 6) == ["one", "two", "three"])
        #expect(TextTable.wrapped("a photographer", width: 6) == ["a", "photog", "rapher"])
        #expect(TextTable.wrapped("", width: 6) == [])
    }
}
