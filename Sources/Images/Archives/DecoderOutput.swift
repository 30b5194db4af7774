import Diagnostics

/// Where a decoder puts its bytes, in order.
protocol DecoderOutput: AnyObject {
    /// Room for the next bytes, at least one. ``advance(by:)`` says how many were written there.
    func space() throws(Failure) -> UnsafeMutableRawBufferPointer
    /// The first `count` bytes of what ``space()`` returned are decoded bytes.
    func advance(by count: Int)
}
