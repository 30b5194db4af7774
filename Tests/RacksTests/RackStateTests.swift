import Diagnostics
import Racks
import Foundation
import Host
import SystemPackage
import TestSupport
import Testing

@Suite struct RackStateTests {
    let scratch = ScratchDirectory()

    @Test func `the salt key is made once and only its owner can read it`() throws {
        let state = RackState(besideRecipe: scratch["red01.yaml"])
        let key = try state.saltKey()
        #expect(key.count == 32)
        #expect(try state.saltKey() == key)
        #expect(try state.directory.stat().permissions == .ownerReadWriteExecute)
        #expect(try state.directory.appending("salt.key").stat().permissions == .ownerReadWrite)
    }

    @Test func `cards that need the key at the same time for the first time get the same one`() async throws {
        for round in 0..<20 {
            let state = RackState(besideRecipe: scratch["\(round)/red.yaml"])
            let keys = try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for _ in 0..<8 { group.addTask { try state.saltKey() } }
                return try await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
            }
            #expect(keys.count == 1)
            let names = try FileManager.default.contentsOfDirectory(atPath: state.directory.string)
            #expect(names.sorted() == [".gitignore", "salt.key"])
        }
    }

    @Test func `different racks have different keys`() throws {
        let one = try RackState(besideRecipe: scratch["a/red.yaml"]).saltKey()
        #expect(try RackState(besideRecipe: scratch["b/red.yaml"]).saltKey() != one)
    }

    @Test func `a damaged key is reported, not replaced`() throws {
        #expect(chmod(scratch.write("short", to: ".piflash/salt.key").string, 0o600) == 0)
        let failure = #expect(throws: Failure.self) { try RackState(besideRecipe: scratch["red.yaml"]).saltKey() }
        #expect(failure?.message.contains("5 bytes instead of 32") == true)
        #expect(scratch.read(".piflash/salt.key") == Array("short".utf8))
    }
}
