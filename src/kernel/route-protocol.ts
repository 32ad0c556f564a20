// The mark on routes and neighbor entries that are ours: the routing protocol number. 72 is free in
// include/uapi/linux/rtnetlink.h and in iproute2's rt_protos; `ip route show proto 72` lists what Hextet made.

export const hextetProtocol = 72;
