import Glibc

/// A name server that answers for us (RFC 1035 §7): where, and on which port.
public struct DNSServer: Sendable, Hashable, CustomStringConvertible {
    public static let port: UInt16 = 53
    /// As the system's own resolver: more would only make a failure slower.
    static let serversMax = 3

    public let address: IPAddress
    public let port: UInt16

    /// - Parameter text: `127.0.0.1`, `127.0.0.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`.
    public init?(_ text: String) {
        if let address = IPAddress(text) {
            (self.address, port) = (address, Self.port)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
            port > 0
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard let address = IPAddress(String(host)) else { return nil }
        (self.address, self.port) = (address, port)
    }

    public var description: String { address.isIPv6 ? "[\(address)]:\(port)" : "\(address):\(port)" }

    /// The `nameserver` lines of a resolv.conf (resolv.conf(5)); without any, the machine itself is asked.
    static func configured(_ text: String) -> [DNSServer] {
        var servers: [DNSServer] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard words.count >= 2, words[0] == "nameserver", let address = IPAddress(String(words[1]))
            else { continue }
            servers.append(DNSServer(address: address, port: port))
        }
        return servers.isEmpty ? [DNSServer("127.0.0.1")!] : Array(servers.prefix(serversMax))
    }

    private init(address: IPAddress, port: UInt16) { (self.address, self.port) = (address, port) }

    var family: Int32 { address.isIPv6 ? AF_INET6 : AF_INET }

    /// Connects a socket to it; a datagram socket then takes packets from this address and port only.
    func connect(_ descriptor: Int32) -> Int32 {
        if address.isIPv6 {
            var place = sockaddr_in6()
            place.sin6_family = sa_family_t(AF_INET6)
            place.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &place.sin6_addr) { $0.copyBytes(from: address.bytes) }
            return Self.connect(descriptor, &place)
        }
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = port.bigEndian
        withUnsafeMutableBytes(of: &place.sin_addr) { $0.copyBytes(from: address.bytes) }
        return Self.connect(descriptor, &place)
    }

    private static func connect<Place>(_ descriptor: Int32, _ place: inout Place) -> Int32 {
        withUnsafePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<Place>.size))
            }
        }
    }
}
