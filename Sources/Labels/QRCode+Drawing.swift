extension QRCode {
    /// An SVG element of one path, with the quiet zone; the style sheet sets its size. The title is for readers who cannot
    /// see it, and must not need escaping: addresses do not.
    package var svg: String {
        let side = size + 2 * Self.quietZone
        var path = ""
        for row in 0..<size {
            var column = 0
            while column < size {
                guard self[row, column] else {
                    column += 1
                    continue
                }
                var end = column
                while self[row, end] { end += 1 }
                path += "M\(column + Self.quietZone) \(row + Self.quietZone)h\(end - column)v1h-\(end - column)z"
                column = end
            }
        }
        return """
            <svg class="qr" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(side) \(side)" \
            shape-rendering="crispEdges"><rect width="\(side)" height="\(side)" fill="#fff"/>\
            <path fill="#000" d="\(path)"/></svg>
            """
    }

    /// A portable bitmap, pbm(5), each module `scale` points wide.
    package func bitmap(scale: Int) -> [UInt8] {
        let side = (size + 2 * Self.quietZone) * scale
        var bytes = Array("P4\n\(side) \(side)\n".utf8)
        for y in 0..<side {
            var line = Array(repeating: UInt8(0), count: (side + 7) / 8)
            for x in 0..<side where self[y / scale - Self.quietZone, x / scale - Self.quietZone] {
                line[x / 8] |= 0x80 >> UInt8(x % 8)
            }
            bytes += line
        }
        return bytes
    }
}
