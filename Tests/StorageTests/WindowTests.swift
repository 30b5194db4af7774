import Diagnostics
import Storage
import Testing
import TestSupport

@Suite struct WindowTests {
    private let base = MemoryStore(Array(0..<100))

    @Test func `it shows and changes its part of the base`() throws {
        let window = try Window(base, range: 10..<20, name: "part")
        #expect(window.size == 10)
        #expect(try window.bytes(at: 0, count: 10) == Array(10..<20))
        try window.write([99], at: 9)
        #expect(base.allBytes[18...20] == [18, 99, 20])
        try window.synchronize()
        #expect(base.log == [19..<20, nil])
    }

    @Test(arguments: [(10, 1), (0, 11), (-1, 1), (Int64.max, 1)] as [(Int64, Int)])
    func `it never reaches outside, even where the base has bytes`(offset: Int64, count: Int) throws {
        let window = try Window(base, range: 10..<20, name: "part")
        #expect(throws: Failure.self) { try window.bytes(at: offset, count: count) }
        #expect(throws: Failure.self) { try window.write([UInt8](repeating: 0, count: count), at: offset) }
        #expect(base.allBytes == Array(0..<100))
    }

    @Test(arguments: [90..<101, -1..<5, 101..<101] as [Range<Int64>])
    func `it must lie inside the base`(range: Range<Int64>) {
        #expect(throws: Failure.self) { try Window(base, range: range, name: "part") }
    }

    @Test func `an empty window at the end is allowed and holds nothing`() throws {
        let window = try Window(base, range: 100..<100, name: "part")
        #expect(try window.bytes(at: 0, count: 0) == [])
        #expect(throws: Failure.self) { try window.bytes(at: 0, count: 1) }
    }
}
