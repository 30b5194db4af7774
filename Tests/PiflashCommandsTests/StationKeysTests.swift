import Racks
import Testing

@testable import PiflashCommands

@Suite struct StationKeysTests {
    private func results(_ typed: String) -> [StationKeys.Result?] {
        var keys = StationKeys()
        return typed.map { keys.press($0) }
    }

    @Test func `single letters are commands`() {
        #expect(
            results("sqyn?x") == [
                .command(.skip), .command(.quit), .command(.accept), .command(.decline), .help, nil,
            ])
    }

    @Test func `a node is named after pick and redo`() {
        #expect(results("pred07\n").last == .command(.pick("red07")))
        #expect(results("rweb-1.lan\r").last == .command(.redo("web-1.lan")))
        // In a name, letters are no commands.
        #expect(results("psq").last == .prompt("which node next? sq"))
    }

    @Test func `what is typed can be corrected and given up`() {
        #expect(results("pred8\u{7F}7\n").last == .command(.pick("red7")))
        #expect(results("pred\u{1B}").last == .prompt(nil))
        #expect(results("pred\u{1B}s").last == .command(.skip))
        #expect(results("p\n").last == .prompt(nil))
        #expect(results("p;").last == .some(nil))
    }
}
