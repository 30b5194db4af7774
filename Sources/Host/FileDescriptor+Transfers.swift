package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// System calls that a signal interrupts before they have done anything (EINTR, see signal(7)).
package enum InterruptedCall {
    /// How often a call is repeated: with the pauses between, for about a second. A signal that comes now and then never
    /// interrupts as many calls in a row; a driver that answers nothing but EINTR must not hold a card for ever.
    package static let limit = 1000
    /// After so many times, each call waits for a millisecond, so that whoever sends the signals gets a turn.
    private static let patience = 10

    /// Makes `call`, which returns a negative number and sets errno if it fails, again while it is interrupted.
    package static func `repeat`<Count: SignedInteger>(_ call: () -> Count) throws(Errno) -> Count {
        var interruptions = 0
        while true {
            let result = call()
            guard result < 0 else { return result }
            let reason = Errno.current
            guard reason == .interrupted, interruptions < limit else { throw reason }
            interruptions += 1
            if interruptions > patience { usleep(1000) }
        }
    }
}

extension FileDescriptor {
    /// Reads at most as many bytes as `buffer` has, from `offset` on, or from the file's position on. Returns how many; 0
    /// at the end.
    package func readPart(
        into buffer: UnsafeMutableRawBufferPointer, at offset: Int64? = nil
    ) throws(Errno) -> Int {
        try InterruptedCall.repeat {
            guard let offset else { return Glibc.read(rawValue, buffer.baseAddress, buffer.count) }
            return Glibc.pread(rawValue, buffer.baseAddress, buffer.count, Int(offset))
        }
    }

    /// Reads from `offset` on until `buffer` is full or the file ends. Returns how many bytes were read.
    package func readAll(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Errno) -> Int {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = try readPart(into: rest, at: offset + Int64(done))
            guard count > 0 else { break }
            done += count
        }
        return done
    }

    /// Writes `bytes`, or the first of them, from `offset` on, or from the file's position on. Returns how many.
    package func writePart(_ bytes: UnsafeRawBufferPointer, at offset: Int64? = nil) throws(Errno) -> Int {
        try InterruptedCall.repeat {
            guard let offset else { return Glibc.write(rawValue, bytes.baseAddress, bytes.count) }
            return Glibc.pwrite(rawValue, bytes.baseAddress, bytes.count, Int(offset))
        }
    }

    /// Writes all of `bytes`, from `offset` on, or from the file's position on. A file that takes no bytes, and does not
    /// say why, is an I/O error.
    package func writeAll(_ bytes: UnsafeRawBufferPointer, at offset: Int64?) throws(Errno) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = try writePart(rest, at: offset.map { $0 + Int64(done) })
            guard count > 0 else { throw .ioError }
            done += count
        }
    }

    /// Writes all of `bytes` from the file's position on, as ``writeAll(_:at:)`` does.
    package func writeAll(bytes: [UInt8]) throws(Errno) {
        var thrown: Errno?
        bytes.withUnsafeBytes { buffer in
            do throws(Errno) { try writeAll(buffer, at: nil) } catch { thrown = error }
        }
        if let thrown { throw thrown }
    }
}
