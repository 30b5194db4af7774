import Foundation

/// libFuzzer's own driver (compiler-rt, lib/fuzzer/FuzzerDriver.cpp): it runs until its options say so, and exits.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ read: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// `fuzz`: prints the names of the targets; `fuzz NAME --words`: prints the dictionary; `fuzz NAME OPTION... CORPUS...`:
/// libFuzzer with its options.
@main
enum Fuzz {
    static func main() {
        guard CommandLine.arguments.count > 1 else {
            for target in FuzzTarget.all { print(target.name, target.limit) }
            return
        }
        guard let target = FuzzTarget.named(CommandLine.arguments[1]) else {
            FileHandle.standardError.write(Data("there is no fuzz target \(CommandLine.arguments[1])\n".utf8))
            exit(2)
        }
        if CommandLine.arguments.dropFirst(2).first == "--words" {
            for word in target.words { print("\"\(word.utf8.map { String(format: "\\x%02x", $0) }.joined())\"") }
            return
        }
        chosen = target
        var count = CommandLine.argc - 1
        var arguments = CommandLine.unsafeArgv + 1
        exit(runDriver(&count, &arguments) { Fuzz.read($0, $1) })
    }

    /// Set once, before libFuzzer calls ``read(_:_:)``.
    nonisolated(unsafe) private static var chosen: FuzzTarget?

    private static func read(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
        do {
            try chosen?.read(Array(UnsafeBufferPointer(start: start, count: count)))
        } catch {
            FileHandle.standardError.write(Data("broken property: \(error)\n".utf8))
            abort()
        }
        return 0
    }
}
