// ICMP types and codes by the names that scripts give them (RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7).

export const ICMP_TYPES: Readonly<Record<string, number>> = {
  echo_reply: 0,
  unreachable: 3,
  source_quench: 4,
  redirect: 5,
  echo_request: 8,
  time_exceeded: 11,
  parameter_problem: 12,
  timestamp_request: 13,
  timestamp_reply: 14,
  information_request: 15,
  information_reply: 16,
  address_mask_request: 17,
  address_mask_reply: 18,
};

/** By the name of the type. */
export const ICMP_CODES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  unreachable: {
    net_unreachable: 0,
    host_unreachable: 1,
    protocol_unreachable: 2,
    port_unreachable: 3,
    frag_needed: 4,
    source_route_failed: 5,
    net_unknown: 6,
    host_unknown: 7,
    source_host_isolated: 8,
    net_prohibited: 9,
    host_prohibited: 10,
    net_unreachable_for_tos: 11,
    host_unreachable_for_tos: 12,
    packet_filtered: 13,
    precedence_violation: 14,
    precedence_cutoff: 15,
  },
  redirect: { net: 0, host: 1, net_for_tos: 2, host_for_tos: 3 },
  time_exceeded: {
    ttl_exceeded: 0,
    ttl_exceeded_in_transit: 0,
    frag_reass_exceeded: 1,
    fragment_reassembly_time_exceeded: 1,
  },
  parameter_problem: { pointer_indicates_error: 0, missing_required_option: 1, bad_length: 2 },
};
