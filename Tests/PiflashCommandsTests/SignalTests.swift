import Foundation
import Glibc
import Racks
import SystemPackage
import TestSupport
import Testing

/// Signals and interrupted calls, in the program itself: `Tests/faults/shim.c` sends them at a known moment.
@Suite struct SignalTests {
    let harness = CommandHarness()

    private func prepare() throws -> LoopDevice {
        try harness.prepare(recipe: "image: { source: sample.img.zip }\nhostname: red01\n")
        return try harness.loopDevice(bytes: 128 << 20)
    }

    /// Runs piflash, for a minute at most: then it ends with 124 (timeout(1)).
    private func piflash(
        _ arguments: [String], _ plan: String, on target: String, before: String = ""
    ) throws -> OutsideTool.Result {
        let environment = try FaultShim.environment(plan, on: target).merging([
            "HOME": harness.scratch.path.string, "XDG_CACHE_HOME": harness.scratch["cache"].string,
        ]) { $1 }
        let variables = environment.map { "\($0)=\($1)" }
        return try OutsideTool("sh").run(
            [
                "-c", "cd \"$1\" && shift && exec timeout --foreground 60 sh -c '\(before) exec env \"$@\"' sh \"$@\"",
                "sh",
                harness.scratch.path.string,
            ] + variables + [try BuiltProgram.path().string] + arguments)
    }

    private func write(_ plan: String, to device: LoopDevice, before: String = "") throws -> OutsideTool.Result {
        try piflash(
            ["write", "--yes", "--recipe", "red01.yaml", device.path.string], plan, on: device.path.string,
            before: before)
    }

    private var results: [LedgerEntry.Result] {
        get throws { try RackState(besideRecipe: harness.scratch["red01.yaml"]).ledger().entries.map(\.result) }
    }

    private func hasTable(_ device: LoopDevice) throws -> Bool {
        try OutsideTool("sfdisk").run(["--dump", device.path.string]).succeeded
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func `a signal stops a write, which says what the card is now`(_ number: Int32) throws {
        let device = try prepare()
        let outcome = try write("pwrite,5,sig,\(number)", to: device)
        #expect(outcome.status == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains("stopped; \(device.path) has no partition table now"))
        #expect(outcome.errors.contains("hint: run the same command again"))
        #expect(try !hasTable(device))
        #expect(try results.first == .begun && results.last == .interrupted)
    }

    /// timeout(1) sends its signal to the process and to its group; a terminal that is closed sends SIGHUP twice.
    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func `the same signal once more at the same moment is the same request`(_ number: Int32) throws {
        let device = try prepare()
        let outcome = try write("pwrite,5,twice,\(number)", to: device)
        #expect(outcome.status == 1, "\(outcome.status) \(outcome.errors)")
        #expect(outcome.errors.contains("stopped") && outcome.errors.contains("hint: "))
        #expect(try !hasTable(device))
    }

    @Test func `a write under nohup goes on when the terminal is closed`() throws {
        let device = try prepare()
        let outcome = try write("pwrite,5,sig,\(SIGHUP)", to: device, before: "trap \"\" HUP;")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try hasTable(device))
        #expect(try results.last == .verified)
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func `a station that waits for cards ends by a signal`(_ number: Int32) throws {
        _ = try prepare()
        let outcome = try OutsideTool("timeout").run([
            "60", "sh", "-c",
            """
            cd "$1" && export HOME="$1" XDG_CACHE_HOME="$1/cache"
            "$2" batch --yes red01.yaml & station=$!
            # It has the rack's lock when it waits.
            for _ in $(seq 200); do sleep 0.1; [ ! -e .piflash/ledger.lock ] || break; done
            sleep 2
            kill -$3 $station
            wait $station
            """, "sh", harness.scratch.path.string, try BuiltProgram.path().string, "\(number)",
        ])
        #expect(outcome.status <= 1, "\(outcome.status) \(outcome.errors)")
    }

    @Test func `reads and writes that are interrupted now and then go on`() throws {
        let device = try prepare()
        let outcome = try write("pread,%400,EINTR;pwrite,%400,EINTR;fsync,1,EINTR", to: device)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try hasTable(device))
    }

    @Test(arguments: ["pread,1+", "pwrite,3+", "fsync,1+"])
    func `a device that only ever says that it was interrupted does not hold piflash for ever`(_ calls: String) throws {
        let device = try prepare()
        let outcome = try write("\(calls),EINTR", to: device)
        #expect(outcome.status == 1 || outcome.status == 3, "\(outcome.status) \(outcome.errors)")
        #expect(outcome.errors.contains(device.path.string) && outcome.errors.contains("hint: "))
        #expect(try !hasTable(device))
    }

    @Test(arguments: ["pread,3", "pwrite,4", "fsync,1", "any,7"])
    func `a file that once has no memory is finished, or nothing is left of it`(_ call: String) throws {
        try harness.prepare(recipe: "image: { source: sample.img.zip }\nhostname: red01\n")
        let outcome = try piflash(
            ["write", "--yes", "--recipe", "red01.yaml", "card.img"], "\(call),ENOMEM",
            on: harness.scratch[".card.img*"].string)
        #expect(outcome.status == 0 || outcome.status == 1, "\(outcome.status) \(outcome.errors)")
        let left = try FileManager.default.contentsOfDirectory(atPath: harness.scratch.path.string)
        #expect(left.contains("card.img") == (outcome.status == 0))
        #expect(!left.contains { $0.contains("piflash-part") }, "\(left)")
    }
}
